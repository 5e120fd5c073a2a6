/** A small reader of ELF headers: what a program or library asks the dynamic loader for. System V gABI, chapters 4 and 5. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

/** What an ELF file says of its dependencies. */
export interface ElfInfo {
  /** Word size, byte order and machine: a library fits only a program of the same ABI. */
  readonly abi: string
  /** The loader that PT_INTERP names; undefined for static programs and for libraries. */
  readonly interpreter: string | undefined
  /** DT_NEEDED. */
  readonly needed: readonly string[]
  /** DT_RPATH, split. Counts only if there is no DT_RUNPATH. */
  readonly rpath: readonly string[]
  /** DT_RUNPATH, split. */
  readonly runpath: readonly string[]
}

const PT_LOAD = 1
const PT_DYNAMIC = 2
const PT_INTERP = 3
const DT_NEEDED = 1n
const DT_STRTAB = 5n
const DT_STRSZ = 10n
const DT_RPATH = 15n
const DT_RUNPATH = 29n

/** Headers and string tables beyond this size are not those of a real program; node's own has 6 MB. */
const maxPart = 64 << 20

interface Segment {
  readonly type: number
  readonly offset: number
  readonly address: number
  readonly size: number
}

/** Reads numbers in the file's own word size and byte order. */
interface Reader {
  readonly wide: boolean
  part(offset: number, size: number): Buffer
  u16(data: Buffer, at: number): number
  u32(data: Buffer, at: number): number
  word(data: Buffer, at: number): bigint
}

/**
 * Reads the ELF headers of a file; undefined if it is no ELF file, or one that is cut short.
 * @throws the system error if the file cannot be read
 */
export function readElf(path: string | Buffer): ElfInfo | undefined {
  const fd = openSync(path, 'r')
  try {
    const size = fstatSync(fd).size
    const part = (offset: number, length: number): Buffer => {
      if (offset < 0 || length < 0 || length > maxPart || offset + length > size)
        throw new RangeError('out of the file')
      const data = Buffer.alloc(length)
      readSync(fd, data, 0, length, offset)
      return data
    }
    return size < 52 ? undefined : parse(part)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  } finally {
    closeSync(fd)
  }
}

function parse(part: Reader['part']): ElfInfo | undefined {
  const ident = part(0, 20)
  if (ident.readUInt32BE(0) !== 0x7f454c46) return undefined
  const wide = ident[4] === 2
  const little = ident[5] === 1
  const reader: Reader = {
    wide,
    part,
    u16: (data, at) => (little ? data.readUInt16LE(at) : data.readUInt16BE(at)),
    u32: (data, at) => (little ? data.readUInt32LE(at) : data.readUInt32BE(at)),
    word(data, at) {
      if (wide) return little ? data.readBigUInt64LE(at) : data.readBigUInt64BE(at)
      return BigInt(this.u32(data, at))
    },
  }
  const segments = segmentsOf(reader)
  const interp = segments.find((s) => s.type === PT_INTERP)
  const abi = `${wide ? 64 : 32}${little ? 'le' : 'be'}-${reader.u16(ident, 18)}`
  const interpreter = interp && cString(part(interp.offset, interp.size), 0)
  return { abi, interpreter, ...dynamicOf(reader, segments) }
}

function segmentsOf(reader: Reader): Segment[] {
  const { wide } = reader
  const header = reader.part(0, wide ? 64 : 52)
  const start = Number(reader.word(header, wide ? 32 : 28))
  const entrySize = reader.u16(header, wide ? 54 : 42)
  const count = reader.u16(header, wide ? 56 : 44)
  const table = reader.part(start, entrySize * count)
  return Array.from({ length: count }, (_, i) => {
    const at = i * entrySize
    return {
      type: reader.u32(table, at),
      offset: Number(reader.word(table, at + (wide ? 8 : 4))),
      address: Number(reader.word(table, at + (wide ? 16 : 8))),
      size: Number(reader.word(table, at + (wide ? 32 : 16))),
    }
  })
}

function dynamicOf(reader: Reader, segments: readonly Segment[]): Pick<ElfInfo, 'needed' | 'rpath' | 'runpath'> {
  const dynamic = segments.find((s) => s.type === PT_DYNAMIC)
  const entries = dynamic ? dynamicEntries(reader, dynamic) : []
  const valueOf = (tag: bigint): number => Number(entries.find(([t]) => t === tag)?.[1] ?? 0)
  const strings = reader.part(fileOffset(segments, valueOf(DT_STRTAB)), valueOf(DT_STRSZ))
  const text = (tag: bigint): string[] =>
    entries.filter(([t]) => t === tag).map(([, offset]) => cString(strings, Number(offset)))
  const paths = (tag: bigint): string[] => text(tag).flatMap((list) => list.split(':').filter(Boolean))
  return { needed: text(DT_NEEDED), rpath: paths(DT_RPATH), runpath: paths(DT_RUNPATH) }
}

function dynamicEntries(reader: Reader, dynamic: Segment): (readonly [tag: bigint, value: bigint])[] {
  const width = reader.wide ? 8 : 4
  const data = reader.part(dynamic.offset, dynamic.size)
  const entries = []
  for (let at = 0; at + 2 * width <= data.length; at += 2 * width) {
    const tag = reader.word(data, at)
    if (tag === 0n) break
    entries.push([tag, reader.word(data, at + width)] as const)
  }
  return entries
}

/** DT_STRTAB is an address; the loadable segment that holds it tells where that is in the file. */
function fileOffset(segments: readonly Segment[], address: number): number {
  if (address === 0) return 0
  const load = segments.find((s) => s.type === PT_LOAD && address >= s.address && address < s.address + s.size)
  if (load === undefined) throw new RangeError('an address outside of the file')
  return address - load.address + load.offset
}

function cString(data: Buffer, at: number): string {
  const end = data.indexOf(0, at)
  return data.toString('latin1', at, end < 0 ? data.length : end)
}
