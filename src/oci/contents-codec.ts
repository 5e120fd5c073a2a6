/**
 * Contents lists as text: a header line, then one entry per line as a JSON array, ASCII only.
 * JSON.parse is the fastest decoder that Node has, and fastest on one text, so the lines are joined before.
 */
import { WherryError } from '../core/errors.ts'
import type { Entry, EntryType } from './contents.ts'

/** First line of a contents list; an unknown one means an unknown version. */
export const contentsHeader = 'wherry-contents 1\n'

const letters = {
  file: 'f',
  dir: 'd',
  symlink: 'l',
  hardlink: 'h',
  char: 'c',
  block: 'b',
  fifo: 'p',
  whiteout: 'w',
  opaque: 'o',
} as const satisfies Record<EntryType, string>

const types: ReadonlyMap<unknown, EntryType> = new Map(
  (Object.keys(letters) as EntryType[]).map((type) => [letters[type], type]),
)

/** What few entries have; written as an object at the end of the row. */
type Rare = Pick<Entry, 'link' | 'devMajor' | 'devMinor' | 'xattrs'>

/** One entry as a line with its newline. */
export function encodeEntry(entry: Entry): string {
  const { path, mode, uid, gid, size, mtime, link, devMajor, devMinor, xattrs, sha256, offset } = entry
  const row: unknown[] = [letters[entry.type], path, mode, uid, gid, mtime.toString(), size, sha256 ?? 0, offset ?? -1]
  if (link !== undefined || devMajor !== undefined || devMinor !== undefined || xattrs !== undefined) {
    row.push({ link, devMajor, devMinor, xattrs } satisfies Rare)
  }
  // Byte paths above 0x7f become \u escapes, so that reading the file as latin1 and as UTF-8 is the same.
  return `${JSON.stringify(row).replace(/[\x7f-\xff]/g, escapeByte)}\n`
}

function escapeByte(character: string): string {
  return `\\u00${character.charCodeAt(0).toString(16).padStart(2, '0')}`
}

/**
 * The entries of a whole list, in its order.
 * @throws WherryError `store-corrupt`
 */
export function decodeContents(data: string | Uint8Array): Entry[] {
  const text =
    typeof data === 'string' ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('latin1')
  if (!text.startsWith(contentsHeader)) throw corrupt('does not start with a known version')
  if (!text.endsWith('\n')) throw corrupt('is cut off')
  const rows: unknown = parseRows(text.slice(contentsHeader.length, -1))
  if (!Array.isArray(rows)) throw corrupt('is not a list')
  return rows.map(toEntry)
}

function parseRows(lines: string): unknown {
  try {
    return JSON.parse(`[${lines.replaceAll('\n', ',')}]`)
  } catch (cause) {
    throw corrupt('is not valid', cause)
  }
}

function toEntry(row: unknown): Entry {
  if (!Array.isArray(row)) throw corrupt('has a row that is no entry')
  const [letter, path, mode, uid, gid, mtime, size, sha256, offset, rare] = row as unknown[]
  const type = types.get(letter)
  if (type === undefined || typeof path !== 'string') throw corrupt('has an entry without type or path')
  if (!isCount(mode) || !isCount(uid) || !isCount(gid) || !isCount(size))
    throw corrupt('has an entry with a wrong number')
  if (typeof mtime !== 'string' || !/^-?\d{1,30}$/.test(mtime)) throw corrupt('has an entry with a wrong time')
  if (sha256 !== 0 && (typeof sha256 !== 'string' || sha256.length !== 64)) throw corrupt('has a wrong sha256')
  if (offset !== -1 && !isCount(offset)) throw corrupt('has an entry with a wrong offset')
  // Literals of a few shapes: spreading parts together makes this twice as slow.
  const time = BigInt(mtime)
  const tail = rare === undefined ? undefined : checkRare(rare)
  if (tail === undefined && sha256 !== 0 && offset !== -1) {
    return { path, type, mode, uid, gid, size, mtime: time, sha256, offset }
  }
  if (tail === undefined && sha256 === 0 && offset === -1) return { path, type, mode, uid, gid, size, mtime: time }
  const file = { ...(sha256 !== 0 && { sha256 }), ...(offset !== -1 && { offset }) }
  return { path, type, mode, uid, gid, size, mtime: time, ...tail, ...file }
}

function checkRare(value: unknown): Rare {
  if (typeof value !== 'object' || value === null) throw corrupt('has an entry with a wrong tail')
  const { link, devMajor, devMinor, xattrs } = value as Record<string, unknown>
  if (link !== undefined && typeof link !== 'string') throw corrupt('has a link that is no path')
  if (devMajor !== undefined && !isCount(devMajor)) throw corrupt('has a wrong device number')
  if (devMinor !== undefined && !isCount(devMinor)) throw corrupt('has a wrong device number')
  if (xattrs !== undefined && !isTexts(xattrs)) throw corrupt('has wrong extended attributes')
  return {
    ...(link !== undefined && { link }),
    ...(devMajor !== undefined && { devMajor }),
    ...(devMinor !== undefined && { devMinor }),
    ...(xattrs !== undefined && { xattrs }),
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && Number.isSafeInteger(value)
}

function isTexts(value: unknown): value is Record<string, string> {
  return typeof value === 'object' && value !== null && Object.values(value).every((v) => typeof v === 'string')
}

function corrupt(what: string, cause?: unknown): WherryError {
  return new WherryError('store-corrupt', `a contents list ${what}`, {
    cause,
    hint: 'Remove the layer with its image and build or pull it again.',
  })
}
