/** Decompressing streams: one function for all kinds, with bounded memory and a bound on what comes out. */
import { Readable, type Transform, pipeline } from 'node:stream'
import * as zlib from 'node:zlib'
import { WherryError, errnoOf, isCancelled } from '../core/errors.ts'
import { bunzip2 } from './bzip2.ts'
import type { CompressionKind } from './detect.ts'
import { unxz } from './xz.ts'
import { unzstd } from './zstd.ts'

/** Bounds and end of a decompression. */
export interface DecompressOptions {
  readonly signal?: AbortSignal
  /** Most bytes that may come out; more is an error. */
  readonly maxBytes?: number
}

/**
 * The decompressed bytes of a stream. Several gzip members, zstd frames, xz or bzip2 streams in a row are one content.
 * @throws WherryError `archive-invalid` (damaged, truncated, too large), `archive-unsupported`, `cancelled`; errors of the source as they are
 */
export async function* decompress(
  source: AsyncIterable<Uint8Array>,
  kind: CompressionKind,
  options: DecompressOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { signal, maxBytes = Number.POSITIVE_INFINITY } = options
  let total = 0
  for await (const chunk of decode(untilAborted(source, signal), kind)) {
    total += chunk.length
    if (total > maxBytes) {
      throw new WherryError('archive-invalid', `the ${kind} stream holds more than ${maxBytes} bytes`)
    }
    yield chunk
  }
}

function decode(source: AsyncIterable<Uint8Array>, kind: CompressionKind): AsyncIterable<Uint8Array> {
  switch (kind) {
    case 'none':
      return source
    case 'gzip':
      return throughZlib(source, kind, zlib.createGunzip({ chunkSize: 262_144 }))
    case 'zstd': {
      const native = nativeZstd()
      return native === undefined ? unzstd(source) : throughZlib(source, kind, native)
    }
    case 'xz':
      return unxz(source)
    case 'bzip2':
      return bunzip2(source)
  }
}

/** Node's own zstd (22.15 and later), whose window is limited to 128 MiB by default. */
function nativeZstd(): Transform | undefined {
  const { createZstdDecompress } = zlib as { createZstdDecompress?: (options: { chunkSize: number }) => Transform }
  return createZstdDecompress?.({ chunkSize: 262_144 })
}

async function* throughZlib(
  source: AsyncIterable<Uint8Array>,
  kind: CompressionKind,
  decoder: Transform,
): AsyncGenerator<Uint8Array> {
  // pipeline destroys both ends on any failure; the loop below sees the error through the decoder.
  const chunks = pipeline(Readable.from(source, { objectMode: false }), decoder, () => undefined)
  try {
    for await (const chunk of chunks as AsyncIterable<Buffer>) yield chunk
  } catch (error) {
    if (error instanceof WherryError || isCancelled(error)) throw error
    const code = errnoOf(error) ?? ''
    if (!/^(Z_|ZSTD_|ERR_ZSTD)/.test(code)) throw error
    const what = code === 'Z_BUF_ERROR' ? 'is truncated' : 'is damaged'
    throw new WherryError('archive-invalid', `the ${kind} stream ${what}`, { cause: error })
  }
}

/** The chunks until the signal fires, also while a chunk is awaited. */
async function* untilAborted(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void> {
  if (signal === undefined) {
    yield* source
    return
  }
  const chunks = source[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await orAborted(() => chunks.next(), signal)
      if (next.done) return
      yield next.value
    }
  } finally {
    // Not awaited: a source that hangs in next() would hold its return() back too.
    void chunks.return?.()
  }
}

/** What `work` gives, or the end of it all. The listener goes at once: one promise to race with would keep every chunk alive. */
async function orAborted<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const cancelled = (): WherryError => new WherryError('cancelled', 'cancelled', { cause: signal.reason })
  if (signal.aborted) throw cancelled()
  let onAbort: () => void = () => undefined
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(cancelled())
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([work(), aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
