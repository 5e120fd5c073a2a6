/** What worker threads can do: the synchronous file work of layers, by name. */
import type { BytePath } from '../../core/bytepath.ts'
import { type ExportRequest, exportFolder } from '../../layer/export-folder.ts'
import { type ExtractRequest, extractRanges } from '../../layer/extract.ts'
import { type ArchiveListing, type SpoolRequest, spoolArchive } from '../../layer/spool.ts'
import type { SealItem, SealedLayer } from '../../layer/contract.ts'
import { sealLayer } from '../../layer/seal.ts'
import { unpackLayer } from '../../layer/unpack.ts'
import type { Digest } from '../../core/digest.ts'
import { hashFiles } from '../../rootfs/hash.ts'

/** Jobs by name. Parameters and results survive a structured clone. */
export const jobs = {
  /** Writes a layer's tar and contents list. */
  seal: (params: {
    readonly items: readonly SealItem[]
    readonly tarPath: string
    readonly contentsPath: string
    readonly clampMtime?: bigint
  }): SealedLayer => sealLayer(params),
  /** Hexadecimal sha256 of files, in their order. */
  hash: (params: { readonly paths: readonly BytePath[] }): string[] => hashFiles(params.paths),
  /** Reads a layer blob once, to check its diffID and write its contents list. */
  index: (params: {
    readonly blobPath: string
    readonly diffId: Digest
    readonly contentsPath: string
  }): Promise<SealedLayer> =>
    unpackLayer({ blobPath: params.blobPath, expectedDiffId: params.diffId, contentsPath: params.contentsPath }, never),
  /** Copies ranges of a compressed layer's bytes to a plain file. */
  extract: (params: ExtractRequest): Promise<number[]> => extractRanges(params),
  /** Writes a tree as ordinary files. */
  exportFolder: (params: ExportRequest): number => exportFolder(params),
  /** Decompresses an archive to a plain tar and lists it; undefined if the file is no archive. */
  spool: (params: SpoolRequest): Promise<ArchiveListing | undefined> => spoolArchive(params),
}

const never = new AbortController().signal

/** Names of jobs. */
export type JobName = keyof typeof jobs
/** What a job takes. */
export type JobParams<N extends JobName> = Parameters<(typeof jobs)[N]>[0]
/** What a job gives. */
export type JobResult<N extends JobName> = Awaited<ReturnType<(typeof jobs)[N]>>
