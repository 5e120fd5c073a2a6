/** Reading tar as a push parser: bytes go in, in chunks of any size; entries and their bytes come out, with nothing kept. */
import { toText } from '../core/bytepath.ts'
import { WherryError } from '../core/errors.ts'
import { isZeroBlock, parseHeaderBlock } from './tar-block.ts'
import { type TarHeader, blockSize } from './tar-header.ts'
import {
  type Preface,
  type ReadHeader,
  entryOf,
  escapes,
  maxMetaLength,
  maxNameLength,
  readPreface,
} from './tar-meta.ts'
import { bodyMapLines, checkSparse, parseBodyMap, paxSparse, sparseBlock, sparseSizeOf } from './tar-sparse.ts'
import type { Fragment } from './tar-sparse.ts'
import { tarPadding } from './tar-write.ts'

/** Receives an archive's entries. */
export interface TarSink {
  /** An entry; `bodyOffset` is where its bytes are in the archive, undefined for a sparse file, whose bytes are not in one piece. */
  entry(header: TarHeader, bodyOffset: number | undefined): void
  /** The next bytes of the last entry. The chunk is only valid during the call. */
  data(chunk: Buffer): void
  /** The last entry is complete. */
  entryEnd(): void
}

/** Bounds on what an archive may claim. */
export interface TarLimits {
  /** Entries, headers before them included. */
  readonly maxEntries?: number
  /** Bytes of holes in sparse files, all together: they cost nothing in the archive. */
  readonly maxHoleBytes?: number
  /** Names that lead out of the archive are an error; without this they end at its root. */
  readonly refuseParents?: boolean
}

const zeros = Buffer.alloc(65_536)

/**
 * Parses one archive: `write` its chunks, then `end`. After the two zero blocks everything is ignored.
 * Both throw WherryError `archive-invalid` or `archive-unsupported`, naming the entry, and what the sink throws.
 */
export class TarParser {
  readonly #sink: TarSink
  readonly #maxEntries: number
  readonly #refuseParents: boolean
  #holeBytesLeft: number
  #entries = 0
  /** Bytes consumed; at a block boundary whenever a block is awaited. */
  #offset = 0
  /** What is collected until `#want` bytes are there, then given to `#then`. */
  #parts: Buffer[] = []
  #have = 0
  #want = blockSize
  #then: (block: Buffer) => void = (block) => this.#onHeader(block)
  /** True between entries, where an archive may end. */
  #atHeader = true
  #preface: Preface = { records: [] }
  #hasPreface = false
  /** Stored bytes of the current entry to deliver, then bytes to skip. */
  #bodyLeft = 0
  #skipLeft = 0
  #inEntry = false
  /** Holes and fragments of a sparse entry that are still to come. */
  #fragments: Fragment[] | undefined
  #position = 0
  #size = 0
  #sawZeroBlock = false
  #ended = false
  #lastName = ''

  constructor(sink: TarSink, limits: TarLimits = {}) {
    this.#sink = sink
    this.#maxEntries = limits.maxEntries ?? 5_000_000
    this.#refuseParents = limits.refuseParents ?? false
    this.#holeBytesLeft = limits.maxHoleBytes ?? 8 * 2 ** 30
  }

  /** Takes the next bytes. */
  write(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    for (let at = 0; at < bytes.length && !this.#ended; ) at += this.#take(bytes, at)
  }

  /** Must be called after the last chunk: an archive that stops in the middle of something is an error. */
  end(): void {
    if (this.#ended) return
    if (this.#bodyLeft > 0 || this.#have > 0 || this.#hasPreface || !this.#atHeader) {
      throw this.#located(new WherryError('archive-invalid', 'the archive is truncated'))
    }
    this.#ended = true
  }

  /** Uses some of the bytes from `at` on and returns how many. */
  #take(bytes: Buffer, at: number): number {
    const rest = bytes.length - at
    if (this.#bodyLeft > 0) {
      const count = Math.min(rest, this.#bodyLeft)
      this.#advance(count)
      this.#bodyLeft -= count
      if (this.#inEntry) this.#deliver(bytes.subarray(at, at + count))
      if (this.#bodyLeft === 0) this.#finishEntry()
      return count
    }
    if (this.#skipLeft > 0) {
      const count = Math.min(rest, this.#skipLeft)
      this.#advance(count)
      this.#skipLeft -= count
      return count
    }
    const count = Math.min(rest, this.#want - this.#have)
    this.#advance(count)
    this.#collect(bytes.subarray(at, at + count))
    return count
  }

  #advance(count: number): void {
    this.#offset += count
  }

  #collect(piece: Buffer): void {
    const isWhole = piece.length === this.#want
    if (!isWhole) this.#parts.push(Buffer.from(piece))
    this.#have += piece.length
    if (this.#have < this.#want) return
    const block = isWhole ? piece : Buffer.concat(this.#parts)
    this.#parts = []
    this.#have = 0
    this.#then(block)
  }

  #await(want: number, then: (block: Buffer) => void): void {
    this.#want = want
    this.#then = then
    this.#atHeader = false
  }

  #awaitHeader(): void {
    if (this.#atHeader) return
    this.#await(blockSize, (block) => this.#onHeader(block))
    this.#atHeader = true
  }

  #onHeader(block: Buffer): void {
    if (isZeroBlock(block)) {
      if (this.#sawZeroBlock) this.#ended = true
      this.#sawZeroBlock = true
      if (this.#hasPreface) throw this.#located(new WherryError('archive-invalid', 'the archive is truncated'))
      return
    }
    const raw = this.#locate(() => parseHeaderBlock(block))
    if (this.#sawZeroBlock) throw this.#located(new WherryError('archive-invalid', 'a lone zero block'))
    if (++this.#entries > this.#maxEntries) {
      throw new WherryError('archive-invalid', `the archive has more than ${this.#maxEntries} entries`)
    }
    if ('xgLK'.includes(raw.flag)) {
      this.#onMeta(raw.flag, raw.size)
      return
    }
    const read = this.#locate(() => entryOf(raw, this.#preface))
    this.#lastName = read.header.path
    if (this.#refuseParents && escapes(read.name)) {
      throw new WherryError('archive-invalid', `the name "${toText(read.name)}" leads out of the archive`)
    }
    const { records } = this.#preface
    this.#preface = { records: [] }
    this.#hasPreface = false
    if (raw.flag === 'S') this.#onGnuSparse(read, block)
    else if (read.header.type === 'file' && records.some(([key]) => key.startsWith('GNU.sparse.'))) {
      this.#onPaxSparse(read, records)
    } else this.#startEntry(read.header, read.stored)
  }

  #onMeta(flag: string, size: number): void {
    const limit = flag === 'L' || flag === 'K' ? maxNameLength + 1 : maxMetaLength
    if (size > limit) {
      throw this.#located(new WherryError('archive-invalid', `a header of ${size} bytes, more than ${limit},`))
    }
    const done = (body: Buffer): void => {
      this.#locate(() => readPreface(this.#preface, flag, body))
      this.#hasPreface ||= flag !== 'g'
      this.#skipLeft = tarPadding(size)
      this.#awaitHeader()
    }
    if (size === 0) done(zeros.subarray(0, 0))
    else this.#await(size, done)
  }

  #onGnuSparse(read: ReadHeader, block: Buffer): void {
    const fragments: Fragment[] = []
    const size = this.#locate(() => sparseSizeOf(block))
    const onBlock = (next: Buffer, kind: 'header' | 'extension'): void => {
      const part = this.#locate(() => sparseBlock(next, kind))
      fragments.push(...part.fragments)
      if (fragments.length > 100_000) throw this.#located(new WherryError('archive-invalid', 'too many fragments'))
      if (part.more) this.#await(blockSize, (more) => onBlock(more, 'extension'))
      else this.#startSparse(read, size, fragments)
    }
    onBlock(block, 'header')
  }

  #onPaxSparse(read: ReadHeader, records: readonly [string, string][]): void {
    const sparse = this.#locate(() => paxSparse(records))
    if (sparse === undefined) this.#startEntry(read.header, read.stored)
    else if (sparse.fragments !== 'inBody') this.#startSparse(read, sparse.size, sparse.fragments)
    else this.#onBodyMap(read, sparse.size)
  }

  #onBodyMap(read: ReadHeader, size: number): void {
    const blocks: Buffer[] = []
    let lines = 0
    let need = 0
    this.#await(blockSize, (block) => {
      if (blocks.length === 0) need = this.#locate(() => bodyMapLines(block))
      blocks.push(Buffer.from(block))
      for (let at = block.indexOf(0x0a); at >= 0; at = block.indexOf(0x0a, at + 1)) lines++
      const stored = read.stored - blocks.length * blockSize
      if (stored < 0 || blocks.length * blockSize > 4 * maxMetaLength) {
        throw this.#located(new WherryError('archive-invalid', 'a sparse file in the archive has a malformed map'))
      }
      if (lines < need) return
      const fragments = this.#locate(() => parseBodyMap(Buffer.concat(blocks)))
      this.#startSparse({ ...read, stored }, size, fragments)
    })
  }

  #startSparse(read: ReadHeader, size: number, fragments: readonly Fragment[]): void {
    const file = this.#locate(() => checkSparse(size, fragments, read.stored))
    this.#holeBytesLeft -= file.size - read.stored
    if (this.#holeBytesLeft < 0) {
      throw new WherryError(
        'archive-invalid',
        `"${toText(read.header.path)}" is a sparse file of ${size} bytes, too large`,
        {
          hint: 'Its holes would be written as zeros; make the archive without --sparse if the file is really meant.',
        },
      )
    }
    this.#fragments = file.fragments.filter(({ length }) => length > 0)
    this.#position = 0
    this.#startEntry({ ...read.header, size }, read.stored)
  }

  #startEntry(header: TarHeader, stored: number): void {
    this.#awaitHeader()
    this.#inEntry = header.type === 'file'
    this.#size = header.size
    this.#skipLeft = tarPadding(stored)
    this.#bodyLeft = stored
    this.#sink.entry(header, this.#fragments === undefined ? this.#offset : undefined)
    if (!this.#inEntry) this.#sink.entryEnd()
    else if (stored === 0) this.#finishEntry()
  }

  #deliver(chunk: Buffer): void {
    if (this.#fragments === undefined) {
      this.#sink.data(chunk)
      return
    }
    for (let at = 0; at < chunk.length; ) {
      const fragment = this.#fragments[0]
      if (fragment === undefined) throw new WherryError('internal', 'a sparse file has more bytes than its map')
      this.#zeroUntil(fragment.offset)
      const count = Math.min(chunk.length - at, fragment.offset + fragment.length - this.#position)
      this.#sink.data(chunk.subarray(at, at + count))
      this.#position += count
      at += count
      if (this.#position === fragment.offset + fragment.length) this.#fragments.shift()
    }
  }

  #zeroUntil(offset: number): void {
    while (this.#position < offset) {
      const count = Math.min(zeros.length, offset - this.#position)
      this.#sink.data(zeros.subarray(0, count))
      this.#position += count
    }
  }

  #finishEntry(): void {
    if (!this.#inEntry) return
    if (this.#fragments !== undefined) this.#zeroUntil(this.#size)
    this.#fragments = undefined
    this.#inEntry = false
    this.#sink.entryEnd()
  }

  #locate<T>(parse: () => T): T {
    try {
      return parse()
    } catch (error) {
      throw error instanceof WherryError ? this.#located(error) : error
    }
  }

  /** The error with the place: the last entry that was read whole or is being read. */
  #located(error: WherryError): WherryError {
    const where =
      this.#lastName === '' ? 'at the start of the archive' : `at "${toText(this.#lastName)}" or right after it`
    const { code, hint, cause } = error
    return new WherryError(code, `${error.message} (${where}, byte ${this.#offset})`, { hint, cause })
  }
}
