/** One block of bzip2: Huffman codes, move to front, inverse Burrows-Wheeler transform, runs. */
import { WherryError } from '../core/errors.ts'
import type { BitReader } from './bzip2-bits.ts'

const maxCodeLength = 20
const groupSize = 50
const pieceSize = 262_144

/**
 * Decodes the block after its magic number and checksum; its bytes come in pieces.
 * @throws WherryError `archive-invalid`
 */
export function* decodeBlock(bits: BitReader, capacity: number, crc: number): Generator<Uint8Array> {
  if (bits.read(1) === 1) throw damaged()
  const origin = bits.read(24)
  const symbols = usedBytes(bits)
  const tableCount = bits.read(3)
  const selectors = readSelectors(bits, tableCount)
  const tables = Array.from({ length: tableCount }, () => codeTable(readLengths(bits, symbols.length + 2)))
  const { links, length } = readSymbols(bits, { symbols, selectors, tables, capacity })
  if (origin >= length) throw damaged()
  yield* undoRuns(links, length, origin, crc)
}

/** The bytes that occur in the block, from a two-level bitmap. */
function usedBytes(bits: BitReader): number[] {
  const rows = bits.read(16)
  const used: number[] = []
  for (let row = 0; row < 16; row++) {
    if (((rows >> (15 - row)) & 1) === 0) continue
    const columns = bits.read(16)
    for (let column = 0; column < 16; column++) {
      if ((columns >> (15 - column)) & 1) used.push(row * 16 + column)
    }
  }
  if (used.length === 0) throw damaged()
  return used
}

/** Which code table each group of 50 symbols uses: unary numbers, moved to front. */
function readSelectors(bits: BitReader, tableCount: number): Uint8Array {
  if (tableCount < 2 || tableCount > 6) throw damaged()
  const count = bits.read(15)
  if (count === 0) throw damaged()
  const order = Array.from({ length: tableCount }, (_, i) => i)
  const selectors = new Uint8Array(count)
  for (let i = 0; i < count; i++) {
    let index = 0
    while (bits.read(1) === 1) if (++index >= tableCount) throw damaged()
    const [table = 0] = order.splice(index, 1)
    order.unshift(table)
    selectors[i] = table
  }
  return selectors
}

function readLengths(bits: BitReader, count: number): Uint8Array {
  const lengths = new Uint8Array(count)
  let length = bits.read(5)
  for (let i = 0; i < count; i++) {
    for (;;) {
      if (length < 1 || length > maxCodeLength) throw damaged()
      if (bits.read(1) === 0) break
      length += bits.read(1) === 0 ? 1 : -1
    }
    lengths[i] = length
  }
  return lengths
}

/** A canonical code: per length the last code and what to subtract to get an index into `order`. */
interface CodeTable {
  readonly limit: Int32Array
  readonly base: Int32Array
  readonly order: Uint16Array
  readonly shortest: number
}

function codeTable(lengths: Uint8Array): CodeTable {
  const limit = new Int32Array(maxCodeLength + 1).fill(-1)
  const base = new Int32Array(maxCodeLength + 1)
  const order = new Uint16Array(lengths.length)
  let code = 0
  let index = 0
  for (let length = 1; length <= maxCodeLength; length++) {
    base[length] = code - index
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] !== length) continue
      order[index++] = symbol
      code++
    }
    if (code > 2 ** length) throw damaged()
    limit[length] = code - 1
    code *= 2
  }
  return { limit, base, order, shortest: lengths.reduce((a, b) => Math.min(a, b), maxCodeLength) }
}

function readCode(bits: BitReader, table: CodeTable): number {
  let length = table.shortest
  let code = bits.read(length)
  while (code > (table.limit[length] ?? -1)) {
    if (++length > maxCodeLength) throw damaged()
    code = (code << 1) | bits.read(1)
  }
  const symbol = table.order[code - (table.base[length] ?? 0)]
  if (symbol === undefined) throw damaged()
  return symbol
}

interface Coding {
  readonly symbols: readonly number[]
  readonly selectors: Uint8Array
  readonly tables: readonly CodeTable[]
  readonly capacity: number
}

/** The transformed bytes, in the low 8 bits of `links`; the rest of each number is the position of the next byte. */
function readSymbols(bits: BitReader, coding: Coding): { links: Uint32Array; length: number } {
  const { selectors, tables, capacity } = coding
  const links = new Uint32Array(capacity)
  const counts = new Uint32Array(256)
  const front = Uint8Array.from(coding.symbols)
  const end = front.length + 1
  let length = 0
  let run = 0
  let runBit = 1
  const put = (byte: number, count: number): void => {
    if (length + count > capacity) throw damaged()
    links.fill(byte, length, length + count)
    length += count
    counts[byte] = (counts[byte] ?? 0) + count
  }
  for (let i = 0, table = tables[0]; ; i++) {
    if (i % groupSize === 0) table = tables[selectors[i / groupSize] ?? tables.length]
    if (table === undefined) throw damaged()
    const symbol = readCode(bits, table)
    if (symbol < 2) {
      // Runs are numbers in base 2 with the digits 1 and 2; more than a block of them is a lie.
      if (runBit > capacity) throw damaged()
      run += runBit << symbol
      runBit <<= 1
      continue
    }
    if (run > 0) put(front[0] ?? 0, run)
    run = 0
    runBit = 1
    if (symbol === end) break
    const byte = front[symbol - 1] ?? 0
    front.copyWithin(1, 0, symbol - 1)
    front[0] = byte
    put(byte, 1)
  }
  linkUp(links, length, counts)
  return { links, length }
}

/** Inverts the Burrows-Wheeler transform: stores in each position where the next byte of the text is. */
function linkUp(links: Uint32Array, length: number, counts: Uint32Array): void {
  let sum = 0
  for (let byte = 0; byte < 256; byte++) {
    const count = counts[byte] ?? 0
    counts[byte] = sum
    sum += count
  }
  for (let i = 0; i < length; i++) {
    const byte = (links[i] ?? 0) & 0xff
    const at = counts[byte] ?? 0
    counts[byte] = at + 1
    links[at] = ((links[at] ?? 0) | (i << 8)) >>> 0
  }
}

/** Follows the links and expands runs: four equal bytes are followed by a count of further ones. */
function* undoRuns(links: Uint32Array, length: number, origin: number, crc: number): Generator<Uint8Array> {
  let piece = new Uint8Array(pieceSize)
  let used = 0
  let sum = 0xffffffff
  let position = (links[origin] ?? 0) >>> 8
  let previous = -1
  let same = 0
  for (let i = 0; i < length; i++) {
    const link = links[position] ?? 0
    const byte = link & 0xff
    position = link >>> 8
    const count = same === 4 ? byte : 1
    const value = same === 4 ? previous : byte
    same = same === 4 ? 0 : byte === previous ? same + 1 : 1
    previous = same === 0 ? -1 : byte
    if (used + count > pieceSize) {
      yield piece.subarray(0, used)
      piece = new Uint8Array(pieceSize)
      used = 0
    }
    for (let end = used + count; used < end; used++) {
      piece[used] = value
      sum = (sum << 8) ^ (crcTable[(sum >>> 24) ^ value] ?? 0)
    }
  }
  if (~sum >>> 0 !== crc) throw new WherryError('archive-invalid', 'the bzip2 stream has a wrong checksum')
  yield piece.subarray(0, used)
}

/** CRC-32 with the polynomial 0x04c11db7, most significant bit first. */
const crcTable = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24
  for (let bit = 0; bit < 8; bit++) value = value < 0 ? (value << 1) ^ 0x04c11db7 : value << 1
  return value
})

function damaged(): WherryError {
  return new WherryError('archive-invalid', 'the bzip2 stream is damaged')
}
