/** Synchronous reading of one folder of the context: names, metadata, link targets. Promises cost several times as much per file. */
import { createHash } from 'node:crypto'
import { type BigIntStats, lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { type BytePath, toBytes, toText } from '../../core/bytepath.ts'
import { WherryError, errnoOf } from '../../core/errors.ts'
import type { Entry, EntryType } from '../../oci/contents.ts'

/** A file of the context as found on disk. */
export interface DiskFile {
  /** Gets its `sha256` later; nothing else of it changes. */
  readonly entry: Omit<Entry, 'sha256'> & { sha256?: string }
  readonly ino: bigint
  readonly dev: bigint
  /** Change time in nanoseconds since 1970. */
  readonly ctime: bigint
  /** Number of names (hard links). */
  readonly links: bigint
}

/** Paths of ASCII characters alone are the same as text and as bytes, and cheaper as text. */
function fsPath(path: BytePath): string | Buffer {
  return /^[\x00-\x7f]*$/.test(path) ? path : toBytes(path)
}

/**
 * Names in the folder `disk`, sorted by bytes.
 * @throws WherryError `context-invalid` if it cannot be read
 */
export function namesIn(disk: BytePath): BytePath[] {
  try {
    return readdirSync(fsPath(disk), { encoding: 'latin1' }).sort()
  } catch (error) {
    // Removed meanwhile, by another program.
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return []
    throw unreadable(disk, error)
  }
}

/**
 * What lies at `disk`, as the entry `path`: owned by 0:0, as files of a context are; a socket is an empty file, as BuildKit
 * sends it (fsutil's stat.go clears the socket bit). Undefined for what is gone.
 * @throws WherryError `context-invalid` if it cannot be read
 */
export function readDisk(disk: BytePath, path: BytePath): DiskFile | undefined {
  try {
    const name = fsPath(disk)
    const stats = lstatSync(name, { bigint: true, throwIfNoEntry: false })
    const type = stats && typeOf(stats)
    if (stats === undefined || type === undefined) return undefined
    const { ino, dev, ctimeNs, nlink } = stats
    return { entry: entryOf(stats, { name, path, type }), ino, dev, ctime: ctimeNs, links: nlink }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined
    throw unreadable(disk, error)
  }
}

const S_IFSOCK = 0o140000

/** Nobody can open(2) a socket: it has its hash from the start. */
const EMPTY_SHA256 = createHash('sha256').digest('hex')

function isSocket(stats: BigIntStats): boolean {
  return (Number(stats.mode) & 0o170000) === S_IFSOCK
}

function typeOf(stats: BigIntStats): EntryType | undefined {
  switch (Number(stats.mode) & 0o170000) {
    case 0o100000:
      return 'file'
    case 0o040000:
      return 'dir'
    case 0o120000:
      return 'symlink'
    case 0o010000:
      return 'fifo'
    case 0o020000:
      return 'char'
    case 0o060000:
      return 'block'
    case S_IFSOCK:
      return 'file'
    default:
      return undefined
  }
}

function entryOf(
  stats: BigIntStats,
  { name, path, type }: { name: string | Buffer; path: BytePath; type: EntryType },
): DiskFile['entry'] {
  const mode = Number(stats.mode) & 0o7777
  const mtime = stats.mtimeNs
  switch (type) {
    case 'file':
      if (isSocket(stats)) return { path, type, mode, uid: 0, gid: 0, size: 0, mtime, sha256: EMPTY_SHA256 }
      return { path, type, mode, uid: 0, gid: 0, size: Number(stats.size), mtime, sha256: undefined }
    case 'symlink':
      return { path, type, mode, uid: 0, gid: 0, size: 0, mtime, link: readlinkSync(name, 'latin1') }
    case 'char':
    case 'block':
      return { path, type, mode, uid: 0, gid: 0, size: 0, mtime, ...deviceOf(Number(stats.rdev)) }
    default:
      return { path, type, mode, uid: 0, gid: 0, size: 0, mtime }
  }
}

/** makedev(3) backwards, for the 32 bits that devices of files have. */
function deviceOf(rdev: number): { devMajor: number; devMinor: number } {
  return { devMajor: (rdev >>> 8) & 0xfff, devMinor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00) }
}

function unreadable(disk: BytePath, cause: unknown): WherryError {
  const why = errnoOf(cause) === 'EACCES' ? 'permission denied' : String(cause)
  return new WherryError('context-invalid', `cannot read ${toText(disk)} in the build context: ${why}`, {
    hint: 'Make it readable, or list it in .dockerignore.',
    cause,
  })
}
