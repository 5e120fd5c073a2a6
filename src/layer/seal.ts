/** Sealing a layer: entries and their files' bytes become an uncompressed tar and its contents list, in one pass over the bytes. */
import { closeSync, constants, openSync, readSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { encodeTarHeader } from '../archive/tar-write.ts'
import { type BytePath, toBytes, toText } from '../core/bytepath.ts'
import { WherryError, errnoOf } from '../core/errors.ts'
import { throwIfCancelled } from '../core/scope.ts'
import type { Entry } from '../oci/contents.ts'
import { type ContentsFile, createContentsFile } from './contents-file.ts'
import type { SealItem, SealedLayer } from './contract.ts'
import { type FillBuffer, type TarFile, createTarFile } from './tar-file.ts'
import { headerOf } from './whiteout.ts'

/** What to seal, and the two new files that come of it. */
export interface SealRequest {
  /** In the order that the layer shall have. */
  readonly items: Iterable<SealItem>
  readonly tarPath: string
  readonly contentsPath: string
  /** Later modification times are set to this, in nanoseconds since 1970. */
  readonly clampMtime?: bigint
}

/**
 * Writes a layer, synchronously: for worker threads. Nothing is made durable; that comes with adopting the files into the store.
 * @throws WherryError `io` if a file cannot be read, or has not the size any more that its entry says
 */
export function sealLayer(request: SealRequest): SealedLayer {
  const work = sealing(request)
  for (;;) {
    const turn = work.next()
    if (turn.done === true) return turn.value
  }
}

/**
 * The same, with a turn for everything else after each few megabytes: where no thread can be spared.
 * @throws WherryError `cancelled`, and what `sealLayer` throws
 */
export async function sealLayerInTurns(request: SealRequest, signal: AbortSignal): Promise<SealedLayer> {
  const work = sealing(request)
  try {
    for (;;) {
      const turn = work.next()
      if (turn.done === true) return turn.value
      await setImmediate()
      throwIfCancelled({ signal })
    }
  } finally {
    // Closes the files of a work that was left.
    work.return(undefined as never)
  }
}

function* sealing(request: SealRequest): Generator<void, SealedLayer> {
  const tar = createTarFile(request.tarPath)
  const sources = openSources()
  try {
    const contents = createContentsFile(request.contentsPath)
    try {
      const entries = yield* writeAll({ tar, contents, sources }, request)
      const diffId = tar.finish()
      contents.finish()
      return { diffId, size: tar.offset, entries }
    } finally {
      contents.close()
    }
  } finally {
    sources.close()
    tar.close()
  }
}

interface Outputs {
  readonly tar: TarFile
  readonly contents: ContentsFile
  readonly sources: Sources
}

/** Bytes of the tar after which others have a turn. */
const turnBytes = 4 << 20

function* writeAll({ tar, contents, sources }: Outputs, { items, clampMtime }: SealRequest): Generator<void, number> {
  let count = 0
  let turnAt = turnBytes
  for (const { entry: given, source } of items) {
    const entry = clamped(given, clampMtime)
    tar.add(encodeTarHeader(headerOf(entry)))
    if (entry.type !== 'file') contents.add(entry)
    else {
      const { offset } = tar
      const fill = source === undefined || entry.size === 0 ? noBytes(entry) : sources.reader(entry, source)
      contents.add({ ...entry, offset, sha256: yield* tar.addContent(entry.size, fill) })
    }
    count++
    if (tar.offset < turnAt) continue
    turnAt = tar.offset + turnBytes
    yield
  }
  return count
}

function clamped(entry: Entry, latest: bigint | undefined): Entry {
  return latest === undefined || entry.mtime <= latest ? entry : { ...entry, mtime: latest }
}

function noBytes(entry: Entry): FillBuffer {
  return () => {
    throw new WherryError('internal', `"${toText(entry.path)}" is to be sealed without its ${entry.size} bytes`)
  }
}

/** Files that bytes are read from. The last one stays open: many entries may have their bytes in one file. */
interface Sources {
  reader(entry: Entry, source: NonNullable<SealItem['source']>): FillBuffer
  close(): void
}

function openSources(): Sources {
  let open: { readonly path: BytePath; readonly fd: number } | undefined
  function close(): void {
    if (open !== undefined) closeSync(open.fd)
    open = undefined
  }
  return {
    close,
    reader(entry, source) {
      if (open?.path !== source.path) {
        close()
        open = { path: source.path, fd: openFile(entry, source.path) }
      }
      const { fd } = open
      return (buffer, at, length, position) => {
        const count = guarded(entry, () => readSync(fd, buffer, at, length, source.offset + position))
        if (count === 0) throw changed(entry)
        return count
      }
    },
  }
}

function openFile(entry: Entry, path: BytePath): number {
  // Not blocking: what was a file a moment ago may be a fifo now.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  return guarded(entry, () => openSync(toBytes(path), flags))
}

/** Errors of what is no plain file any more. */
const notAFile: readonly (string | undefined)[] = ['ENOENT', 'ENOTDIR', 'ELOOP', 'EISDIR', 'ESPIPE', 'ENXIO']

function guarded(entry: Entry, work: () => number): number {
  try {
    return work()
  } catch (error) {
    const code = errnoOf(error)
    if (notAFile.includes(code)) throw changed(entry, error)
    throw new WherryError('io', `cannot read "${toText(entry.path)}": ${code ?? String(error)}`, { cause: error })
  }
}

function changed(entry: Entry, cause?: unknown): WherryError {
  return new WherryError('io', `"${toText(entry.path)}" changed while it was read`, {
    hint: 'Stop what writes to it, or exclude it in .dockerignore, and build again.',
    cause,
  })
}
