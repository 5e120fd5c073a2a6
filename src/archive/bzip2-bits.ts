/** Bits of a byte stream, most significant first, read synchronously from what `fill` has buffered. */
import { WherryError } from '../core/errors.ts'

/** Reads bits of buffered bytes. */
export interface BitReader {
  /** Buffers at least this many bytes, or all that are left. */
  fill(bytes: number): Promise<void>
  /** The next `count` (0 to 24) bits. @throws WherryError `archive-invalid` past the end */
  read(count: number): number
  /** Drops the bits up to the next byte boundary. */
  align(): void
  /** Whole bytes buffered, at a byte boundary. */
  left(): number
  /** True if the next bytes are these, at a byte boundary. */
  startsWith(text: string): boolean
}

/** A bit reader over chunks. */
export function bitReader(source: AsyncIterable<Uint8Array>): BitReader {
  const chunks = source[Symbol.asyncIterator]()
  let bytes: Buffer = Buffer.alloc(0)
  let at = 0
  let held = 0
  let count = 0
  const fill = async (want: number): Promise<void> => {
    if (bytes.length - at >= want) return
    const parts: Uint8Array[] = [bytes.subarray(at)]
    for (let have = bytes.length - at; have < want; ) {
      const next = await chunks.next()
      if (next.done) break
      parts.push(next.value)
      have += next.value.length
    }
    bytes = Buffer.concat(parts)
    at = 0
  }
  const read = (wanted: number): number => {
    while (count < wanted) {
      const byte = bytes[at++]
      if (byte === undefined) throw new WherryError('archive-invalid', 'the bzip2 stream is truncated')
      // At most 24 + 7 bits are held; what was read before is shifted out on the left.
      held = (held << 8) | byte
      count += 8
    }
    count -= wanted
    return (held >>> count) & (2 ** wanted - 1)
  }
  return {
    fill,
    read,
    align: () => {
      count -= count % 8
    },
    left: () => bytes.length - at + count / 8,
    startsWith: (text) => bytes.toString('latin1', at - count / 8, at - count / 8 + text.length) === text,
  }
}
