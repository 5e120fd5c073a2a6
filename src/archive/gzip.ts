/** Writing gzip on all cores: members of 1 MiB, compressed independently on libuv's thread pool, in order. RFC 1952, section 2.2. */
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import { type ZlibOptions, gzip } from 'node:zlib'

/** How to compress; neither changes what is decompressed, and `concurrency` never changes a byte. */
export interface GzipOptions {
  /** zlib's 1 to 9; 6 if not given. */
  readonly level?: number
  /** Members in flight; a few more than cores if not given, so that none idles while a finished one waits for its turn. */
  readonly concurrency?: number
}

const memberSize = 1 << 20
const compress = promisify<Uint8Array, ZlibOptions, Buffer>(gzip)

/**
 * The source as gzip. Members are cut by content position alone, so the same bytes give the same result on any machine with
 * the same zlib. At most `concurrency` members are in memory beside the one being read.
 */
export async function* gzipParallel(
  source: AsyncIterable<Uint8Array>,
  options: GzipOptions = {},
): AsyncGenerator<Buffer, void, undefined> {
  const { level = 6, concurrency = availableParallelism() + 2 } = options
  const waiting: Promise<Buffer>[] = []
  let isEmpty = true
  for await (const member of membersOf(source)) {
    isEmpty = false
    waiting.push(handled(gzipMember(member, level)))
    const first = waiting.length >= concurrency ? waiting.shift() : undefined
    if (first) yield await first
  }
  if (isEmpty) yield await gzipMember(Buffer.alloc(0), level)
  for (const member of waiting) yield await member
}

/** One gzip member. The header says no time and an unknown system, whatever the machine. */
async function gzipMember(bytes: Uint8Array, level: number): Promise<Buffer> {
  // One output buffer that is surely large enough: each further one would be another trip through the thread pool.
  const chunkSize = bytes.length + (bytes.length >> 8) + 1024
  const out = await compress(bytes, { level, chunkSize })
  out.fill(0, 4, 8)
  out[9] = 0xff
  return out
}

/** Keeps a rejection from being reported as unhandled while it waits for its turn; awaiting the promise still throws. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined)
  return promise
}

async function* membersOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let member = Buffer.allocUnsafeSlow(memberSize)
  let length = 0
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; ) {
      const count = Math.min(chunk.length - at, memberSize - length)
      member.set(chunk.subarray(at, at + count), length)
      at += count
      length += count
      if (length < memberSize) continue
      yield member
      member = Buffer.allocUnsafeSlow(memberSize)
      length = 0
    }
  }
  if (length > 0) yield member.subarray(0, length)
}
