/** What a tar entry is, and the layout of its 512-byte header block. POSIX.1-2017 pax, "ustar Interchange Format". */
import type { FileMetadata } from '../core/file-metadata.ts'

/** Kinds of entry that wherry reads and writes. */
export type TarType = 'file' | 'dir' | 'symlink' | 'hardlink' | 'char' | 'block' | 'fifo'

/** One entry of an archive; the path is clean, and '' is the archive's root folder. */
export interface TarHeader extends FileMetadata {
  readonly type: TarType
}

/** Bytes of a tar block. */
export const blockSize = 512

/** A field of the header block. */
export interface Field {
  readonly at: number
  readonly length: number
}

/** Where the fields of a header block are. */
export const fields = {
  name: { at: 0, length: 100 },
  mode: { at: 100, length: 8 },
  uid: { at: 108, length: 8 },
  gid: { at: 116, length: 8 },
  size: { at: 124, length: 12 },
  mtime: { at: 136, length: 12 },
  checksum: { at: 148, length: 8 },
  type: { at: 156, length: 1 },
  link: { at: 157, length: 100 },
  magic: { at: 257, length: 8 },
  devMajor: { at: 329, length: 8 },
  devMinor: { at: 337, length: 8 },
  prefix: { at: 345, length: 155 },
  /** The shorter prefix of Schilling's star, whose blocks end with `tar\0`. */
  starPrefix: { at: 345, length: 131 },
  starMagic: { at: 508, length: 4 },
  /** GNU: four fragments of a sparse file, whether more blocks of them follow, and the size with holes. */
  sparseMap: { at: 386, length: 96 },
  sparseMore: { at: 482, length: 1 },
  sparseSize: { at: 483, length: 12 },
} as const satisfies Record<string, Field>

/** Type flags of `TarType`s, and those that describe the entry after them. */
export const typeFlags = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  char: '3',
  block: '4',
  dir: '5',
  fifo: '6',
} as const satisfies Record<TarType, string>

/** The sum of a header block's bytes with the checksum field taken as spaces: unsigned, and signed as some old tars had it. */
export function checksumsOf(block: Uint8Array): { unsigned: number; signed: number } {
  let unsigned = 0
  let high = 0
  for (let i = 0; i < blockSize; i++) {
    const byte = block[i] ?? 0
    unsigned += byte
    high += byte >> 7
  }
  const { at, length } = fields.checksum
  for (let i = at; i < at + length; i++) {
    const byte = block[i] ?? 0
    unsigned += 0x20 - byte
    high -= byte >> 7
  }
  return { unsigned, signed: unsigned - 256 * high }
}
