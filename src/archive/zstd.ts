/** Reading zstd where Node has none (before 22.15): frames are cut here and bounded, their blocks decoded by fzstd. RFC 8878. */
import { WherryError } from '../core/errors.ts'
import { xxh64 } from './xxh64.ts'

/** Largest window that is read: fzstd takes offsets from 32 bits, of which 25 are sure to be there, and decodes larger ones wrongly. */
const maxWindow = 32 * 2 ** 20

const magic = 0xfd2fb528
const maxHeaderLength = 18
const maxBlock = 128 * 2 ** 10
const empty = Buffer.alloc(0)

/**
 * Decompresses a stream of zstd frames; skippable frames are skipped. Memory is bounded by twice the window.
 * @throws WherryError `archive-invalid`, `archive-unsupported` for a window above 32 MiB
 */
export async function* unzstd(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const input = byteReader(source)
  for (let head = await input.peek(maxHeaderLength); head.length > 0; head = await input.peek(maxHeaderLength)) {
    if (head.length < 5) throw truncated()
    const number = head.readUInt32LE(0)
    if ((number & 0xfffffff0) >>> 0 === 0x184d2a50) {
      await skipFrame(input)
      continue
    }
    if (number !== magic) throw invalid('has bytes that are no zstd frame')
    yield* decodeFrame(input, head)
  }
}

async function* decodeFrame(input: ByteReader, head: Buffer): AsyncGenerator<Uint8Array> {
  const { length, hasChecksum } = frameHeader(head)
  const { Decompress: Decoder } = await import('fzstd')
  const out: Uint8Array[] = []
  const decoder = new Decoder((data) => out.push(data))
  const hash = hasChecksum ? xxh64() : undefined
  const push = (bytes: Uint8Array, final: boolean): void => {
    try {
      decoder.push(bytes, final)
    } catch (cause) {
      throw invalid('is damaged', cause)
    }
  }
  let pending: Uint8Array = await input.take(length)
  for (let last = false; !last; ) {
    const header = await input.take(3)
    const block = header.readUIntLE(0, 3)
    last = (block & 1) === 1
    const isRepeat = ((block >> 1) & 3) === 1
    if (block >> 3 > maxBlock) throw invalid('is damaged')
    const body = await input.take(isRepeat ? 1 : block >> 3)
    const checksum = last && hasChecksum ? await input.take(4) : empty
    // fzstd is given whole blocks, the first one with the frame header, the last one with the checksum and `final`.
    push(Buffer.concat([pending, header, body, checksum]), last)
    pending = empty
    for (const data of out.splice(0)) {
      hash?.update(data)
      if (data.length > 0) yield data
    }
    if (last && hash !== undefined && checksum.readUInt32LE(0) !== hash.low32()) throw invalid('has a wrong checksum')
  }
}

/** Length of a frame header and whether a checksum ends the frame. RFC 8878, section 3.1.1.1. */
function frameHeader(head: Buffer): { length: number; hasChecksum: boolean } {
  const descriptor = head[4] ?? 0
  const isSingle = (descriptor & 0x20) !== 0
  const dictionaryLength = [0, 1, 2, 4][descriptor & 3] ?? 0
  const sizeLength = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0
  const sizeAt = 5 + (isSingle ? 0 : 1) + dictionaryLength
  const length = sizeAt + sizeLength
  if (head.length < length) throw truncated()
  if (dictionaryLength > 0) throw new WherryError('archive-unsupported', 'the zstd stream needs a dictionary')
  const window = isSingle ? contentSize(head, sizeAt, sizeLength) : windowSize(head[5] ?? 0)
  if (window > maxWindow) {
    throw new WherryError('archive-unsupported', `the zstd stream needs a window of ${window} bytes`, {
      hint: 'Use Node 22.15 or later, compress it at level 19 or below and without --long, or decompress it first.',
    })
  }
  return { length, hasChecksum: (descriptor & 4) !== 0 }
}

function windowSize(byte: number): number {
  const base = 2 ** (10 + (byte >> 3))
  return base + (base / 8) * (byte & 7)
}

function contentSize(head: Buffer, at: number, length: number): number {
  if (length === 8) return Number(head.readBigUInt64LE(at))
  return head.readUIntLE(at, length) + (length === 2 ? 256 : 0)
}

async function skipFrame(input: ByteReader): Promise<void> {
  let left = (await input.take(8)).readUInt32LE(4)
  while (left > 0) left -= (await input.take(Math.min(left, 65_536))).length
}

interface ByteReader {
  /** The next bytes without using them; fewer at the end. */
  peek(count: number): Promise<Buffer>
  /** The next bytes. @throws WherryError `archive-invalid` at the end */
  take(count: number): Promise<Buffer>
}

function byteReader(source: AsyncIterable<Uint8Array>): ByteReader {
  const chunks = source[Symbol.asyncIterator]()
  let buffer: Buffer = Buffer.alloc(0)
  const peek = async (count: number): Promise<Buffer> => {
    while (buffer.length < count) {
      const next = await chunks.next()
      if (next.done) break
      buffer = Buffer.concat([buffer, next.value])
    }
    return buffer.subarray(0, count)
  }
  const take = async (count: number): Promise<Buffer> => {
    const bytes = buffer.length >= count ? buffer.subarray(0, count) : await peek(count)
    if (bytes.length < count) throw truncated()
    buffer = buffer.subarray(count)
    return bytes
  }
  return { peek, take }
}

function truncated(): WherryError {
  return invalid('is truncated')
}

function invalid(what: string, cause?: unknown): WherryError {
  return new WherryError('archive-invalid', `the zstd stream ${what}`, { cause })
}
