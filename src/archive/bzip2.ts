/**
 * Reading bzip2: the format of Julian Seward's bzip2 1.0, one block (at most 900 kB before the first run-length step) at a time.
 * No package for it bounds memory: one block can hold 45 MB of runs, so output is handed on in pieces.
 */
import { WherryError } from '../core/errors.ts'
import { type BitReader, bitReader } from './bzip2-bits.ts'
import { decodeBlock } from './bzip2-block.ts'

/** Most bytes that one block takes compressed, with room: what must be buffered before a block is decoded without waiting. */
const blockInput = 1_300_000

const blockMagic = 0x314159
const endMagic = 0x177245

/**
 * Decompresses one or more bzip2 streams in a row; bytes after the last one that do not start another are ignored, as bzip2 does.
 * @throws WherryError `archive-invalid`
 */
export async function* bunzip2(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const bits = bitReader(source)
  await bits.fill(blockInput)
  for (let first = true; bits.left() >= 4 && (first || bits.startsWith('BZh')); first = false) {
    yield* decodeStream(bits)
    bits.align()
    await bits.fill(blockInput)
  }
}

async function* decodeStream(bits: BitReader): AsyncGenerator<Uint8Array> {
  const level = streamLevel(bits)
  for (let combined = 0; ; ) {
    await bits.fill(blockInput)
    const high = bits.read(24)
    const low = bits.read(24)
    const crc = readCrc(bits)
    if (high === endMagic && low === 0x385090) {
      if (crc !== combined) throw invalid('has a wrong checksum')
      return
    }
    if (high !== blockMagic || low !== 0x265359) throw invalid('is damaged')
    yield* decodeBlock(bits, level * 100_000, crc)
    combined = (((combined << 1) | (combined >>> 31)) ^ crc) >>> 0
  }
}

function streamLevel(bits: BitReader): number {
  if (!bits.startsWith('BZh')) throw invalid('does not start like one')
  bits.read(24)
  const level = bits.read(8) - 0x30
  if (level < 1 || level > 9) throw invalid('has an unknown block size')
  return level
}

function readCrc(bits: BitReader): number {
  return bits.read(16) * 65_536 + bits.read(16)
}

function invalid(what: string): WherryError {
  return new WherryError('archive-invalid', `the bzip2 stream ${what}`)
}
