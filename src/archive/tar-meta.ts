/** The headers that describe the entry after them (PAX, GNU long names), and the entry that comes of it all. */
import { type BytePath, toText } from '../core/bytepath.ts'
import { WherryError } from '../core/errors.ts'
import { parsePaxNumber, parsePaxRecords, parsePaxTime, xattrPrefix } from './pax.ts'
import type { RawHeader } from './tar-block.ts'
import { type TarHeader, type TarType, typeFlags } from './tar-header.ts'

/** What was read before an entry's own header. */
export interface Preface {
  records: [key: string, value: string][]
  longName?: BytePath
  longLink?: BytePath
}

/** Longest name or link target, PATH_MAX of Linux. */
export const maxNameLength = 4096

/** Longest PAX header or GNU long name, as in Go's archive/tar: room for some attributes of 64 KiB. */
export const maxMetaLength = 1 << 20

const second = 1_000_000_000n
const types: ReadonlyMap<string, TarType> = new Map([
  ...(Object.keys(typeFlags) as TarType[]).map((type) => [typeFlags[type], type] as const),
  ['\0', 'file'],
  // Contiguous file of ustar, and the first header form of GNU's sparse files.
  ['7', 'file'],
  ['S', 'file'],
])

/**
 * Takes in the body of a PAX or GNU header. Global PAX headers are left out, as Go (and so every docker) does.
 * @throws WherryError `archive-invalid`
 */
export function readPreface(preface: Preface, flag: string, body: Buffer): void {
  if (flag === 'x') preface.records.push(...parsePaxRecords(body))
  if (flag === 'L') preface.longName = untilNul(body)
  if (flag === 'K') preface.longLink = untilNul(body)
}

function untilNul(body: Buffer): BytePath {
  const nul = body.indexOf(0)
  return body.toString('latin1', 0, nul < 0 ? body.length : nul)
}

/** An entry as its headers give it, with the length of its body in the archive. */
export interface ReadHeader {
  readonly header: TarHeader
  /** As it is written. */
  readonly name: BytePath
  readonly stored: number
}

/**
 * The entry of a header block and what came before it. Names are made relative and clean, and never lead out of the root.
 * @throws WherryError `archive-invalid`, `archive-unsupported`
 */
export function entryOf(raw: RawHeader, preface: Preface): ReadHeader {
  // A record without a value stands for the header's own field.
  const pax = new Map(preface.records.filter(([key, value]) => value !== '' || key.startsWith(xattrPrefix)))
  const name = checkName(preface.longName ?? pax.get('GNU.sparse.name') ?? pax.get('path') ?? raw.name)
  const plain = types.get(raw.flag)
  if (plain === undefined) {
    throw new WherryError(
      'archive-unsupported',
      `"${toText(name)}" has a type that wherry does not read: "${raw.flag}"`,
    )
  }
  const type = plain === 'file' && name.endsWith('/') ? 'dir' : plain
  const number = (key: 'size' | 'uid' | 'gid'): number => {
    const text = pax.get(key)
    return text === undefined ? raw[key] : parsePaxNumber(key, text)
  }
  const stored = plain === 'file' ? number('size') : 0
  const mtime = pax.get('mtime')
  const header: TarHeader = {
    path: cleanArchivePath(name),
    type,
    mode: raw.mode,
    uid: checkId(number('uid')),
    gid: checkId(number('gid')),
    size: type === 'file' ? stored : 0,
    mtime: mtime === undefined ? BigInt(raw.mtime) * second : parsePaxTime(mtime),
    ...linkOf(type, preface.longLink ?? pax.get('linkpath') ?? raw.link),
    ...(type === 'char' || type === 'block' ? { devMajor: raw.devMajor, devMinor: raw.devMinor } : {}),
    ...xattrsOf(pax),
  }
  return { header, name, stored }
}

function linkOf(type: TarType, link: BytePath): { link?: BytePath } {
  if (type === 'symlink') return { link: checkName(link) }
  if (type !== 'hardlink') return {}
  const target = cleanArchivePath(checkName(link))
  if (escapes(link) || target === '') {
    throw new WherryError('archive-invalid', `a hard link points to "${toText(link)}", outside of the archive`)
  }
  return { link: target }
}

function xattrsOf(pax: ReadonlyMap<string, string>): { xattrs?: Record<string, string> } {
  const entries = [...pax].filter(([key]) => key.startsWith(xattrPrefix) && key.length > xattrPrefix.length)
  if (entries.length === 0) return {}
  return { xattrs: Object.fromEntries(entries.map(([key, value]) => [key.slice(xattrPrefix.length), value])) }
}

/** A name of an archive as a clean relative path: `.`, empty parts and a leading slash go, `..` stops at the root. */
export function cleanArchivePath(name: BytePath): BytePath {
  if (isClean(name)) return name
  const parts: string[] = []
  for (const part of name.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.join('/')
}

function isClean(name: BytePath): boolean {
  return !name.startsWith('/') && !name.startsWith('.') && !name.endsWith('/') && !/\/[/.]/.test(name)
}

/** True if a name leads out of the folder that it counts from, at some point of its way. */
export function escapes(name: BytePath): boolean {
  let depth = 0
  for (const part of name.split('/')) {
    if (part === '..') depth--
    else if (part !== '' && part !== '.') depth++
    if (depth < 0) return true
  }
  return false
}

function checkName(name: BytePath): BytePath {
  if (name.length > maxNameLength) {
    throw new WherryError('archive-invalid', `a name in the archive is longer than ${maxNameLength} bytes`)
  }
  if (name.includes('\0')) throw new WherryError('archive-invalid', 'a name in the archive has a NUL byte')
  return name
}

function checkId(id: number): number {
  if (id <= 0xffffffff) return id
  throw new WherryError('archive-invalid', 'a user or group id in the archive is out of range')
}
