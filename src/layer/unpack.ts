/** Reading a layer's blob in one pass: decompressed, hashed, applied to a tree and listed. */
import { type Hash, createHash, hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { decompress } from '../archive/decompress.ts'
import { sniffCompression } from '../archive/detect.ts'
import { TarParser, type TarSink } from '../archive/tar-read.ts'
import type { BytePath } from '../core/bytepath.ts'
import type { Digest } from '../core/digest.ts'
import { WherryError } from '../core/errors.ts'
import type { Entry } from '../oci/contents.ts'
import type { Applier, FileSink } from '../rootfs/contract.ts'
import { isOverlayXattr } from '../rootfs/metadata.ts'
import { resolvePath } from '../rootfs/paths.ts'
import { type ContentsFile, createContentsFile } from './contents-file.ts'
import type { SealedLayer } from './contract.ts'
import { entryOfHeader } from './whiteout.ts'

/** What to read and what to make of it. */
export interface UnpackRequest {
  /** The blob: a file, or its bytes. Any compression. */
  readonly blobPath: string | AsyncIterable<Uint8Array>
  /** Checked at the end. */
  readonly expectedDiffId?: Digest
  /** Gets every entry. Without it the layer is only listed. */
  readonly applier?: Applier
  /** New file for the contents list, if one is wanted. */
  readonly contentsPath?: string
  /** Most uncompressed bytes; more is an error. */
  readonly maxBytes?: number
}

/**
 * Reads a whole layer. Names are clean and relative: absolute ones and `..` are clamped to the root, and a name that leads through
 * a symlink of the same layer stands for what it leads to inside the root, as containerd has it. The list has the names so found.
 * @throws WherryError `archive-invalid`, `archive-unsupported`, `digest-mismatch`, `cancelled`, and those of the applier
 */
export async function unpackLayer(request: UnpackRequest, signal: AbortSignal): Promise<SealedLayer> {
  const { blobPath: blob, contentsPath, applier } = request
  const source = typeof blob === 'string' ? createReadStream(blob, { highWaterMark: 1 << 20 }) : blob
  const contents = contentsPath === undefined ? undefined : createContentsFile(contentsPath)
  try {
    const sink = layerSink(applier, contents)
    const { diffId, size } = await readThrough(source, { request, sink, signal })
    applier?.finish()
    if (request.expectedDiffId !== undefined && diffId !== request.expectedDiffId)
      throw new WherryError('digest-mismatch', `the layer is ${diffId}, not ${request.expectedDiffId}`, {
        hint: 'The image is damaged: pull it again, or tell its maker.',
        details: { layer: request.expectedDiffId },
      })
    contents?.finish()
    return { diffId, size, entries: sink.count() }
  } finally {
    contents?.close()
    if (typeof blob === 'string') (source as ReturnType<typeof createReadStream>).destroy()
  }
}

async function readThrough(
  source: AsyncIterable<Uint8Array>,
  { request, sink, signal }: { request: UnpackRequest; sink: TarSink; signal: AbortSignal },
): Promise<{ diffId: Digest; size: number }> {
  const { kind, source: whole } = await sniffCompression(source)
  const digest = createHash('sha256')
  const parser = new TarParser(sink)
  let size = 0
  for await (const chunk of decompress(whole, kind, { signal, maxBytes: request.maxBytes })) {
    digest.update(chunk)
    size += chunk.length
    parser.write(chunk)
  }
  parser.end()
  return { diffId: `sha256:${digest.digest('hex')}`, size }
}

/** Turns what the parser finds into entries for the applier and the list. */
function layerSink(applier: Applier | undefined, contents: ContentsFile | undefined): TarSink & { count(): number } {
  const names = layerNames()
  let count = 0
  let current: Entry | undefined
  let file: FileSink | undefined
  let digest: Hash | undefined
  let sha256: string | undefined
  return {
    count: () => count,
    entry(header, bodyOffset) {
      const entry = entryOfHeader(header)
      current = entry && names.place({ ...entry, ...(entry.type === 'file' ? { offset: bodyOffset } : {}) })
      digest = undefined
      sha256 = undefined
      file = current && applier?.entry(current)
    },
    data(chunk) {
      if (current?.type !== 'file') return
      file?.write(chunk)
      if (contents === undefined) return
      if (chunk.length === current.size) sha256 = hash('sha256', chunk)
      else (digest ??= createHash('sha256')).update(chunk)
    },
    entryEnd() {
      file?.close()
      file = undefined
      if (current === undefined) return
      count++
      if (current.type !== 'file') contents?.add(current)
      else contents?.add({ ...current, sha256: sha256 ?? digest?.digest('hex') ?? emptySha256 })
      current = undefined
    },
  }
}

const emptySha256 = hash('sha256', '')

/** Where entries really go, given the symlinks that the same layer has brought so far. */
function layerNames(): { place(entry: Entry): Entry } {
  const links = new Map<BytePath, BytePath>()
  const resolve = (path: BytePath): BytePath =>
    leadsThroughLink(path, links) ? resolvePath(path, (at) => links.get(at), 'keep') : path
  return {
    place(entry) {
      const path = resolve(entry.path)
      if (entry.type === 'symlink') links.set(path, entry.link ?? '')
      else if (entry.type !== 'whiteout' && entry.type !== 'opaque') links.delete(path)
      const placed = path === entry.path ? entry : { ...entry, path }
      const plain = withoutOverlayXattrs(placed)
      return plain.type === 'hardlink' ? { ...plain, link: resolve(plain.link ?? '') } : plain
    },
  }
}

function leadsThroughLink(path: BytePath, links: ReadonlyMap<BytePath, BytePath>): boolean {
  if (links.size === 0) return false
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1))
    if (links.has(path.slice(0, at))) return true
  return false
}

/** Marks of overlayfs have no business in a layer: on disk they would change what is seen. */
function withoutOverlayXattrs(entry: Entry): Entry {
  const names = Object.keys(entry.xattrs ?? {})
  if (!names.some(isOverlayXattr)) return entry
  const own = Object.entries(entry.xattrs ?? {}).filter(([name]) => !isOverlayXattr(name))
  return { ...entry, xattrs: own.length === 0 ? undefined : Object.fromEntries(own) }
}
