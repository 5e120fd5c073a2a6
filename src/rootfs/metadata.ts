/** Reading an entry's metadata from a path on disk, and setting it there. No link is followed. */
import { chmodSync, lchownSync, readlinkSync, type BigIntStats } from 'node:fs'
import { type BytePath, toBytes, toText } from '../core/bytepath.ts'
import { WherryError, errnoOf } from '../core/errors.ts'
import { setTimes } from '../host/files.ts'
import { getXattr, listXattrs, readXattrs as readAllXattrs, removeXattr, setXattr } from '../host/xattrs.ts'
import type { Entry, EntryType } from '../oci/contents.ts'

/** Overlayfs's own attributes: with `userxattr`, and as real root writes them. They never leave or enter a layer. */
const overlayPrefixes = ['user.overlay.', 'trusted.overlay.'] as const
const opaqueName = 'user.overlay.opaque'

/** True for an attribute that belongs to overlayfs and not to the file. */
export function isOverlayXattr(name: string): boolean {
  return overlayPrefixes.some((prefix) => name.startsWith(prefix))
}

/** Marks a folder of an upper directory so that nothing of lower layers shows in it. */
export function setOpaque(disk: BytePath): void {
  setXattr(toBytes(disk), opaqueName, 'y')
}

/** True for a folder that `setOpaque` or overlayfs marked. */
export function isOpaque(disk: BytePath): boolean {
  return getXattr(toBytes(disk), opaqueName) === 'y'
}

/** The extended attributes of what is at a path, without overlayfs's, sorted by name; undefined if there are none. */
export function readXattrs(disk: BytePath): Record<string, string> | undefined {
  const all = readAllXattrs(toBytes(disk))
  if (all === undefined) return undefined
  const own = Object.entries(all).filter(([name]) => !isOverlayXattr(name))
  return own.length === 0 ? undefined : Object.fromEntries(own.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Sets extended attributes. What the file system or the namespace does not allow is left to the contents list. */
export function setXattrs(disk: BytePath, xattrs: Readonly<Record<string, string>>): void {
  const path = toBytes(disk)
  for (const [name, value] of Object.entries(xattrs)) {
    if (isOverlayXattr(name)) continue
    try {
      setXattr(path, name, value)
    } catch (error) {
      // trusted.* and security.* need privileges outside the namespace, user.* is refused on links and devices.
      const code = errnoOf(error)
      if (code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'EPERM') throw error
    }
  }
}

/** Sets the modification time, in nanoseconds since 1970, of a path itself. */
export function setTime(disk: BytePath, mtime: bigint): void {
  setTimes(toBytes(disk), { mtime })
}

/** Sets owner (if `owners`), mode and attributes of anything but a regular file that is still open. */
export function setMetadata(
  disk: BytePath,
  entry: Pick<Entry, 'mode' | 'uid' | 'gid' | 'xattrs'> & { readonly type: EntryType },
  owners: boolean,
): void {
  const path = toBytes(disk)
  // Owner before mode and attributes: the kernel clears setuid bits and capabilities on chown.
  if (owners) setOwner(disk, entry)
  if (entry.type !== 'symlink') chmodSync(path, entry.mode)
  if (entry.type === 'dir') {
    for (const name of listXattrs(path))
      if (!isOverlayXattr(name) && entry.xattrs?.[name] === undefined) removeXattr(path, name)
  }
  if (entry.xattrs !== undefined) setXattrs(disk, entry.xattrs)
}

/**
 * Gives a path itself its owner.
 * @throws WherryError `host-unsupported` for an id that the namespace does not have
 */
export function setOwner(disk: BytePath, { uid, gid }: Pick<Entry, 'uid' | 'gid'>): void {
  try {
    lchownSync(toBytes(disk), uid, gid)
  } catch (error) {
    throw ownerFailure(disk, { uid, gid }, error)
  }
}

/** The error for a chown that failed. */
export function ownerFailure(disk: BytePath, { uid, gid }: Pick<Entry, 'uid' | 'gid'>, error: unknown): unknown {
  if (errnoOf(error) !== 'EINVAL') return error
  return new WherryError('host-unsupported', `"${toText(disk)}" belongs to ${uid}:${gid}, which is not mapped here`, {
    hint: 'Give the user a larger range in /etc/subuid and /etc/subgid, or build with --isolation single.',
    cause: error,
  })
}

/** What is at a path on disk as an entry of the tree path `path`; undefined for a socket, which no layer holds. */
export function entryOnDisk(path: BytePath, disk: BytePath, stat: BigIntStats): Entry | undefined {
  const type = typeOf(stat)
  if (type === undefined) return undefined
  const isDevice = type === 'char' || type === 'block'
  const xattrs = readXattrs(disk)
  return {
    path,
    type,
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    size: type === 'file' ? Number(stat.size) : 0,
    mtime: stat.mtimeNs,
    ...(type === 'symlink' ? { link: readlinkSync(toBytes(disk), 'latin1') } : {}),
    ...(isDevice ? { devMajor: majorOf(stat.rdev), devMinor: minorOf(stat.rdev) } : {}),
    ...(xattrs === undefined ? {} : { xattrs }),
  }
}

function typeOf(stat: BigIntStats): EntryType | undefined {
  if (stat.isFile()) return 'file'
  if (stat.isDirectory()) return 'dir'
  if (stat.isSymbolicLink()) return 'symlink'
  if (stat.isFIFO()) return 'fifo'
  if (stat.isCharacterDevice()) return 'char'
  return stat.isBlockDevice() ? 'block' : undefined
}

/** Major number of a dev_t as the kernel's stat gives it (gnu_dev_major(3)). */
function majorOf(dev: bigint): number {
  return Number(((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn))
}

/** Minor number of a dev_t (gnu_dev_minor(3)). */
function minorOf(dev: bigint): number {
  return Number((dev & 0xffn) | ((dev >> 12n) & ~0xffn))
}

/** True if both have the same type, mode, owner, link target, device and attributes, and (but for folders) size and time. */
export function sameMetadata(a: Entry, b: Entry): boolean {
  return (
    a.type === b.type &&
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    (a.type === 'dir' || (a.size === b.size && a.mtime === b.mtime)) &&
    a.link === b.link &&
    a.devMajor === b.devMajor &&
    a.devMinor === b.devMinor &&
    sameXattrs(a.xattrs ?? {}, b.xattrs ?? {})
  )
}

function sameXattrs(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name])
}
