/** ADD's archives: what a file on disk holds as a tar in any compression, its files' bytes copied to one plain file. */
import { type Hash, createHash } from 'node:crypto'
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs'
import { decompress } from '../archive/decompress.ts'
import { sniffCompression } from '../archive/detect.ts'
import type { TarHeader } from '../archive/tar-header.ts'
import { TarParser, type TarSink } from '../archive/tar-read.ts'
import { type BytePath, toBytes, toText } from '../core/bytepath.ts'
import { WherryError } from '../core/errors.ts'
import type { Entry } from '../oci/contents.ts'

/** Entries of an archive in its order; a regular file's `offset` is where its bytes are in the spool file. */
export type ArchiveListing = readonly Entry[]

/** Which archive to read, and where its files' bytes go. */
export interface SpoolRequest {
  readonly path: BytePath
  /** A new file. */
  readonly spoolPath: string
  /** The part of the file that is the archive, if not all of it (a member of a .deb). */
  readonly range?: { readonly offset: number; readonly size: number }
}

/**
 * Lists an archive and copies its files' bytes to `spoolPath`, a new file. Undefined if the file is no tar archive: what is
 * one is told by its content, as docker does, not by its name.
 * @throws WherryError `archive-invalid` if it starts as an archive and is damaged further on
 */
export async function spoolArchive(of: SpoolRequest): Promise<ArchiveListing | undefined> {
  const out = openSync(of.spoolPath, 'wx')
  const { offset, size } = of.range ?? { offset: 0, size: Number.POSITIVE_INFINITY }
  const source = createReadStream(toBytes(of.path), { highWaterMark: 1 << 20, start: offset, end: offset + size - 1 })
  const entries: Entry[] = []
  const seen = { header: false }
  try {
    const { kind, source: whole } = await sniffCompression(source)
    const parser = new TarParser(spoolSink(entries, out, seen))
    for await (const chunk of decompress(whole, kind)) parser.write(chunk)
    parser.end()
  } catch (error) {
    if (!seen.header && error instanceof WherryError && error.code === 'archive-invalid') return undefined
    throw named(error, of.path)
  } finally {
    source.destroy()
    closeSync(out)
  }
  return entries.length === 0 ? undefined : entries
}

/** `seen.header` is set once a header is read: what is broken after it is a damaged archive, not a plain file. */
function spoolSink(entries: Entry[], out: number, seen: { header: boolean }): TarSink {
  let position = 0
  let current: { readonly header: TarHeader; readonly offset: number; readonly hash: Hash } | undefined
  return {
    entry: (header) => {
      seen.header = true
      current = header.type === 'file' ? { header, offset: position, hash: createHash('sha256') } : undefined
      if (current === undefined) entries.push(header)
    },
    data: (chunk) => {
      current?.hash.update(chunk)
      position += writeSync(out, chunk)
    },
    entryEnd: () => {
      if (current !== undefined)
        entries.push({ ...current.header, offset: current.offset, sha256: current.hash.digest('hex') })
    },
  }
}

function named(error: unknown, path: BytePath): unknown {
  if (!(error instanceof WherryError)) return error
  return new WherryError(error.code, `${toText(path)}: ${error.message}`, { hint: error.hint, cause: error })
}
