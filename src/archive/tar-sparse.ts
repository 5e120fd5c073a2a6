/** Sparse files in tar: GNU's old header form and the PAX forms 0.0, 0.1 and 1.0, all as a list of fragments. GNU tar manual, "Sparse Formats". */
import { WherryError } from '../core/errors.ts'
import { parsePaxNumber } from './pax.ts'
import { numberOf } from './tar-block.ts'
import { fields } from './tar-header.ts'

/** A run of bytes that is in the archive; what is between fragments is zero. */
export interface Fragment {
  readonly offset: number
  readonly length: number
}

/** A file with holes. */
export interface SparseFile {
  /** Bytes with the holes. */
  readonly size: number
  readonly fragments: readonly Fragment[]
}

const maxFragments = 100_000

/** The fragments of an old GNU header (four) or of an extension block (21), and whether another block of them follows. */
export function sparseBlock(block: Buffer, kind: 'header' | 'extension'): { fragments: Fragment[]; more: boolean } {
  const start = kind === 'header' ? fields.sparseMap.at : 0
  const count = kind === 'header' ? 4 : 21
  const more = block[kind === 'header' ? fields.sparseMore.at : count * 24] !== 0
  const fragments: Fragment[] = []
  for (let i = 0; i < count; i++) {
    const at = start + i * 24
    if (block[at] === 0) break
    fragments.push({
      offset: numberOf(block, { at, length: 12 }),
      length: numberOf(block, { at: at + 12, length: 12 }),
    })
  }
  return { fragments, more }
}

/** The size with holes of an old GNU header. */
export function sparseSizeOf(block: Buffer): number {
  return numberOf(block, fields.sparseSize)
}

/** The map of forms 0.0 and 0.1, or `inBody` for form 1.0, whose map is at the start of the entry's bytes. Undefined if not sparse. */
export function paxSparse(
  records: readonly (readonly [string, string])[],
): { size: number; fragments: Fragment[] | 'inBody' } | undefined {
  const last = new Map(records)
  const major = last.get('GNU.sparse.major')
  const size = last.get('GNU.sparse.realsize') ?? last.get('GNU.sparse.size')
  if (size === undefined) return undefined
  if (major !== undefined && major !== '0') {
    if (major !== '1') throw invalid()
    return { size: parsePaxNumber('GNU.sparse.realsize', size), fragments: 'inBody' }
  }
  const map = last.get('GNU.sparse.map')
  const numbers =
    map === undefined
      ? records
          .filter(([key]) => key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes')
          .map(([, value]) => value)
      : map.split(',').filter((part) => part !== '')
  return { size: parsePaxNumber('GNU.sparse.size', size), fragments: pairs(numbers) }
}

/** How many lines a form 1.0 map has, told by the first of them, which is in the body's first block. */
export function bodyMapLines(firstBlock: Buffer): number {
  const end = firstBlock.indexOf(0x0a)
  return 1 + 2 * countOf(firstBlock.toString('latin1', 0, end < 0 ? 0 : end))
}

/** The map of form 1.0 from the blocks that hold all of its lines. */
export function parseBodyMap(blocks: Buffer): Fragment[] {
  const lines = blocks.toString('latin1').split('\n')
  return pairs(lines.slice(1, bodyMapLines(blocks)))
}

/**
 * A map that was read, checked: in order, not overlapping, within the size, and as long together as what the archive holds.
 * @throws WherryError `archive-invalid`
 */
export function checkSparse(size: number, fragments: readonly Fragment[], stored: number): SparseFile {
  let end = 0
  let sum = 0
  for (const { offset, length } of fragments) {
    if (offset < end || length < 0 || offset + length > size) throw invalid()
    end = offset + length
    sum += length
  }
  if (sum !== stored || !Number.isSafeInteger(size) || size < 0) throw invalid()
  return { size, fragments }
}

function countOf(text: string): number {
  const count = parsePaxNumber('GNU.sparse.numblocks', text)
  if (count > maxFragments) throw invalid()
  return count
}

function pairs(numbers: readonly string[]): Fragment[] {
  if (numbers.length % 2 !== 0 || numbers.length > 2 * maxFragments) throw invalid()
  const values = numbers.map((text) => parsePaxNumber('GNU.sparse', text))
  const fragments: Fragment[] = []
  for (let i = 0; i < values.length; i += 2) fragments.push({ offset: values[i] ?? 0, length: values[i + 1] ?? 0 })
  return fragments
}

function invalid(): WherryError {
  return new WherryError('archive-invalid', 'a sparse file in the archive has a malformed map')
}
