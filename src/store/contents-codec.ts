/**
 * The file form of a contents list: one JSON document in latin1 (its strings are byte paths), one entry a line, and the number of
 * entries last, so that a torn file never reads as a shorter list. Written entry by entry, read in one go.
 */
import { isDigest } from '../core/digest.ts'
import { isJsonObject, stringRecord } from '../core/json.ts'
import type { Entry, EntryType } from '../oci/contents.ts'
import { versions } from './formats.ts'

const types: readonly EntryType[] = [
  'file',
  'dir',
  'symlink',
  'hardlink',
  'char',
  'block',
  'fifo',
  'whiteout',
  'opaque',
]

/** Character encoding of the file, for `node:fs` and `Buffer`. */
export const contentsEncoding = 'latin1'

/** Turns entries into the text of a contents file, in pieces to be written one after the other. */
export interface ContentsEncoder {
  /** The text for the next entry. */
  add(entry: Entry): string
  /** The text that ends the file. */
  end(): string
}

/** A fresh encoder; the text is to be written in `contentsEncoding`. */
export function contentsEncoder(): ContentsEncoder {
  let count = 0
  const opening = `{"version":${versions.contents},"entries":[\n`
  return {
    add: (entry) => `${count++ === 0 ? opening : ',\n'}${encodeEntry(entry)}`,
    end: () => `${count === 0 ? opening : ''}\n],"count":${count}}\n`,
  }
}

/** The bytes of a whole contents file. */
export function encodeContents(entries: readonly Entry[]): Buffer {
  const encoder = contentsEncoder()
  return Buffer.from(entries.map((e) => encoder.add(e)).join('') + encoder.end(), contentsEncoding)
}

/** What stands for a missing link, sha256, offset, device and xattrs. */
const absent = [0, 0, -1, 0, 0]

function encodeEntry(e: Entry): string {
  const row: unknown[] = [types.indexOf(e.type), e.path, e.mode, e.uid, e.gid, e.size, e.mtime.toString()]
  const rest = [
    e.link ?? 0,
    e.sha256 ?? 0,
    e.offset ?? -1,
    e.devMajor === undefined ? 0 : [e.devMajor, e.devMinor ?? 0],
    e.xattrs ?? 0,
  ]
  while (rest.length > 0 && rest.at(-1) === absent[rest.length - 1]) rest.pop()
  return JSON.stringify([...row, ...rest])
}

/** Reads a contents file's bytes; undefined if it is torn or of another version. */
export function decodeContents(bytes: Buffer): Entry[] | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString(contentsEncoding))
    if (!isJsonObject(value) || value['version'] !== versions.contents) return undefined
    const rows: unknown = value['entries']
    if (!Array.isArray(rows) || rows.length !== value['count']) return undefined
    return rows.map(decodeEntry)
  } catch {
    // Torn by a crash: the layer is read again.
    return undefined
  }
}

function decodeEntry(row: unknown): Entry {
  if (!Array.isArray(row)) throw new TypeError('a row is not an array')
  const [type, path, mode, uid, gid, size, mtime, link, sha256, offset, device, xattrs] = row as readonly unknown[]
  const name = types[number(type)]
  if (name === undefined || typeof path !== 'string' || typeof mtime !== 'string') throw new TypeError('a bad row')
  const entry: { -readonly [K in keyof Entry]: Entry[K] } = {
    path,
    type: name,
    mode: number(mode),
    uid: number(uid),
    gid: number(gid),
    size: number(size),
    mtime: BigInt(mtime),
  }
  if (typeof link === 'string') entry.link = link
  if (typeof sha256 === 'string' && isDigest(`sha256:${sha256}`)) entry.sha256 = sha256
  if (typeof offset === 'number' && offset >= 0) entry.offset = offset
  if (Array.isArray(device)) [entry.devMajor, entry.devMinor] = [number(device[0]), number(device[1])]
  if (isJsonObject(xattrs)) entry.xattrs = stringRecord(xattrs)
  return entry
}

function number(value: unknown): number {
  if (typeof value !== 'number') throw new TypeError('a number is missing')
  return value
}
