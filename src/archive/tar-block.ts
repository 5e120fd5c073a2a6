/** Reading one tar header block: ustar, PAX, GNU, star and old v7. */
import type { BytePath } from '../core/bytepath.ts'
import { WherryError } from '../core/errors.ts'
import { type Field, blockSize, checksumsOf, fields } from './tar-header.ts'

/** What a header block says by itself, before PAX or GNU headers in front of it are applied. Names are as written. */
export interface RawHeader {
  readonly name: BytePath
  readonly link: BytePath
  readonly flag: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  /** Seconds. */
  readonly mtime: number
  readonly devMajor: number
  readonly devMinor: number
}

/** True if every byte of the block is zero, as in the end of an archive. */
export function isZeroBlock(block: Buffer): boolean {
  return block[0] === 0 && block.equals(zeroBlock)
}

const zeroBlock = Buffer.alloc(blockSize)

/**
 * Parses a 512-byte block that is not zero.
 * @throws WherryError `archive-invalid` for a wrong checksum or a field that is no number in range
 */
export function parseHeaderBlock(block: Buffer): RawHeader {
  const want = numberOf(block, fields.checksum)
  const { unsigned, signed } = checksumsOf(block)
  if (want !== unsigned && want !== signed) {
    throw new WherryError('archive-invalid', 'a tar header has a wrong checksum', {
      hint: 'The archive is damaged, or it is not a tar archive.',
    })
  }
  const magic = block.toString('latin1', fields.magic.at, fields.magic.at + fields.magic.length)
  const isUstar = magic.startsWith('ustar\0')
  const hasDevices = isUstar || magic === 'ustar  \0'
  return {
    name: withPrefix(block, isUstar),
    link: textOf(block, fields.link),
    flag: block.toString('latin1', fields.type.at, fields.type.at + 1),
    mode: numberOf(block, fields.mode) & 0o7777,
    uid: idOf(block, fields.uid),
    gid: idOf(block, fields.gid),
    size: positive(block, fields.size),
    mtime: numberOf(block, fields.mtime),
    devMajor: hasDevices ? positive(block, fields.devMajor) : 0,
    devMinor: hasDevices ? positive(block, fields.devMinor) : 0,
  }
}

function withPrefix(block: Buffer, isUstar: boolean): BytePath {
  const name = textOf(block, fields.name)
  if (!isUstar) return name
  const isStar =
    block.toString('latin1', fields.starMagic.at, fields.starMagic.at + fields.starMagic.length) === 'tar\0'
  const prefix = textOf(block, isStar ? fields.starPrefix : fields.prefix)
  return prefix === '' ? name : `${prefix}/${name}`
}

/** A field's bytes up to the first NUL. */
function textOf(block: Buffer, { at, length }: Field): BytePath {
  const nul = block.indexOf(0, at)
  return block.toString('latin1', at, nul < 0 || nul > at + length ? at + length : nul)
}

/** A number in octal, or in GNU's base 256 (first bit set, then two's complement, big-endian). Empty is 0. */
export function numberOf(block: Buffer, { at, length }: Field): number {
  if ((block[at] ?? 0) & 0x80) return base256(block.subarray(at, at + length))
  const text = block
    .toString('latin1', at, at + length)
    .replace(/^[ \0]+/, '')
    .replace(/[ \0].*$/s, '')
  if (text === '') return 0
  if (!/^[0-7]+$/.test(text)) throw outOfRange()
  return Number.parseInt(text, 8)
}

function base256(bytes: Buffer): number {
  const negative = ((bytes[0] ?? 0) & 0x40) !== 0
  let value = BigInt((bytes[0] ?? 0) & 0x7f)
  for (const byte of bytes.subarray(1)) value = (value << 8n) | BigInt(byte)
  if (negative) value -= 1n << BigInt(bytes.length * 8 - 1)
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw outOfRange()
  return number
}

function positive(block: Buffer, field: Field): number {
  const value = numberOf(block, field)
  if (value < 0 || !Number.isSafeInteger(value)) throw outOfRange()
  return value
}

function idOf(block: Buffer, field: Field): number {
  const value = positive(block, field)
  if (value > 0xffffffff) throw outOfRange()
  return value
}

function outOfRange(): WherryError {
  return new WherryError('archive-invalid', 'a tar header has a field that is not a number in range')
}
