/** Small synchronous calls on trees on disk, by byte path. */
import { lstatSync, readdirSync, rmdirSync, unlinkSync, type BigIntStats } from 'node:fs'
import { type BytePath, toBytes } from '../core/bytepath.ts'
import { errnoOf } from '../core/errors.ts'

/** The path on disk of `path` in the tree at `root`. */
export function onDisk(root: BytePath, path: BytePath): BytePath {
  return path === '' ? root : `${root}/${path}`
}

/** The folder that a tree path lies in; '' for a name at the top. */
export function parentOf(path: BytePath): BytePath {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? '' : path.slice(0, slash)
}

/** The last name of a tree path. */
export function nameOf(path: BytePath): BytePath {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** What lies at a path on disk, no link followed; undefined if nothing does. */
export function lstatIfThere(disk: BytePath): BigIntStats | undefined {
  try {
    return lstatSync(toBytes(disk), { bigint: true, throwIfNoEntry: false })
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return undefined
    throw error
  }
}

/** The names in a folder on disk, sorted by bytes. */
export function namesIn(disk: BytePath): BytePath[] {
  return readdirSync(toBytes(disk), { encoding: 'latin1' }).sort()
}

/** True for overlayfs's mark of a deleted name: a character device 0:0 (Documentation/filesystems/overlayfs.rst). */
export function isWhiteout(stat: BigIntStats): boolean {
  return stat.isCharacterDevice() && stat.rdev === 0n
}

/** Deletes whatever lies at a path on disk, no link followed; nothing there is fine. Names may be any bytes. */
export function removeTree(disk: BytePath): void {
  try {
    unlinkSync(toBytes(disk))
  } catch (error) {
    const code = errnoOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return
    if (code !== 'EISDIR') throw error
    for (const name of namesIn(disk)) removeTree(`${disk}/${name}`)
    rmdirSync(toBytes(disk))
  }
}
