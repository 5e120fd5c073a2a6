/** Writing tar: header blocks (ustar, with PAX records where ustar cannot say it), padding and the end. The same entry gives the same bytes. */
import { isUtf8 } from 'node:buffer'
import { type BytePath, toBytes, toText } from '../core/bytepath.ts'
import { WherryError } from '../core/errors.ts'
import { encodePaxRecord, formatPaxTime, xattrPrefix } from './pax.ts'
import { type Field, type TarHeader, blockSize, checksumsOf, fields, typeFlags } from './tar-header.ts'

const nonAscii = /[^\0-\x7f]/
const second = 1_000_000_000n

/**
 * The blocks that come before an entry's bytes: its header, after a PAX header if it needs one.
 * Owner names are left empty and the PAX header itself is constant but for its size, so nothing of the machine leaks.
 * @throws WherryError `archive-unsupported` for what no tar can say (NUL in a name, `=` in an attribute's name, huge device numbers)
 */
export function encodeTarHeader(header: TarHeader): Buffer {
  const name = archiveName(header)
  const link = header.link ?? ''
  const records = paxRecords(header, name, link)
  if (records === '') return headerBlock(header, name, link)
  const size = records.length
  const pax = { path: '', type: 'file', mode: 0o644, uid: 0, gid: 0, size, mtime: 0n } as const
  const out = Buffer.alloc(blockSize + roundUp(size) + blockSize)
  headerBlock(pax, 'PaxHeaders.0', '', 'x').copy(out)
  out.write(records, blockSize, 'latin1')
  headerBlock(header, name, link).copy(out, out.length - blockSize)
  return out
}

/** The number of zero bytes after `size` bytes of an entry, up to the next block. */
export function tarPadding(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize
}

/** The end of an archive: two zero blocks. */
export const tarEnd: Buffer = Buffer.alloc(2 * blockSize)

function roundUp(size: number): number {
  return size + tarPadding(size)
}

function archiveName(header: TarHeader): BytePath {
  if (header.type !== 'dir') return header.path
  return header.path === '' ? './' : `${header.path}/`
}

/** What ustar cannot say about the entry, in the order of the keys; '' if nothing. */
function paxRecords(header: TarHeader, name: BytePath, link: BytePath): string {
  const records: [string, string][] = []
  if (needsPax(name)) records.push(['path', name])
  if (needsPax(link)) records.push(['linkpath', link])
  if (records.some(([, value]) => !isUtf8(toBytes(value)))) records.push(['hdrcharset', 'BINARY'])
  for (const key of ['size', 'uid', 'gid'] as const) {
    if (!fits(header[key], fields[key])) records.push([key, String(header[key])])
  }
  const { mtime } = header
  if (mtime % second !== 0n || mtime < 0n || mtime / second >= 1n << 33n) records.push(['mtime', formatPaxTime(mtime)])
  for (const [key, value] of Object.entries(header.xattrs ?? {})) {
    if (/[=\0]/.test(key) || key === '') throw unsupported(header.path, 'an extended attribute whose name has = or NUL')
    records.push([xattrPrefix + key, value])
  }
  if (records.length === 0) return ''
  return records
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => encodePaxRecord(key, value))
    .join('')
}

function needsPax(text: BytePath): boolean {
  return text.length > fields.name.length || nonAscii.test(text)
}

function fits(value: number, field: Field): boolean {
  return value < 8 ** (field.length - 1)
}

function headerBlock(header: TarHeader, name: BytePath, link: BytePath, flag?: string): Buffer {
  if (name.includes('\0') || link.includes('\0')) throw unsupported(header.path, 'a NUL byte in its name or link')
  const block = Buffer.alloc(blockSize)
  block.write(legacyName(name), fields.name.at, 'latin1')
  writeOctal(block, fields.mode, header.mode & 0o7777)
  writeOctal(block, fields.uid, header.uid)
  writeOctal(block, fields.gid, header.gid)
  writeOctal(block, fields.size, header.type === 'file' ? header.size : 0)
  const seconds = header.mtime / second
  writeOctal(block, fields.mtime, seconds < 0n || seconds >= 1n << 33n ? 0 : Number(seconds))
  block.write(flag ?? typeFlags[header.type], fields.type.at, 'latin1')
  block.write(legacyName(link), fields.link.at, 'latin1')
  block.write('ustar\x0000', fields.magic.at, 'latin1')
  for (const key of ['devMajor', 'devMinor'] as const) {
    const value = header[key] ?? 0
    if (!fits(value, fields[key])) throw unsupported(header.path, 'a device number that tar cannot hold')
    writeOctal(block, fields[key], value)
  }
  block.write(`${checksumsOf(block).unsigned.toString(8).padStart(6, '0')}\0 `, fields.checksum.at, 'latin1')
  return block
}

/** The name for readers that do not know PAX. A cut must not end in a slash: some readers take such an entry for a folder. */
function legacyName(name: BytePath): string {
  const ascii = nonAscii.test(name) ? name.replace(/[^\0-\x7f]/g, '') : name
  return ascii.length <= fields.name.length ? ascii : ascii.slice(0, fields.name.length).replace(/\/+$/, '')
}

/** Zero-padded octal digits and a NUL; 0 for what does not fit, which a PAX record then says. */
function writeOctal(block: Buffer, field: Field, value: number): void {
  const digits = field.length - 1
  block.write((fits(value, field) ? value : 0).toString(8).padStart(digits, '0'), field.at, 'latin1')
}

function unsupported(path: BytePath, what: string): WherryError {
  return new WherryError('archive-unsupported', `"${toText(path)}" has ${what}, which a tar archive cannot hold`)
}
