/** Files that wherry itself reads and makes in a mounted root file system, links resolved inside the root. */
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  readlinkSync,
} from 'node:fs'
import { posix } from 'node:path'
import { type BytePath, fromText, toBytes } from '../../core/bytepath.ts'
import { WherryError, errnoOf } from '../../core/errors.ts'
import { openInRoot } from '../../host/files.ts'
import { type ResolvedUser, resolveUser } from '../../oci/users.ts'
import { linksOnDisk, resolvePath } from '../../rootfs/paths.ts'

/** As much of a passwd or group file as is read, in bytes. */
const maxBytes = 4 << 20

/** The user that a spec names in the root file system at `root`. @throws WherryError `user-unknown` */
export function readUser(root: string, spec: string): ResolvedUser {
  return resolveUser(spec === '' ? '0' : spec, {
    passwd: readText(root, 'etc/passwd'),
    group: readText(root, 'etc/group'),
  })
}

function readText(root: string, path: BytePath): string {
  try {
    const fd = openSync(toBytes(inside(root, path)), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      if (!fstatSync(fd).isFile()) return ''
      const buffer = Buffer.alloc(Math.min(fstatSync(fd).size, maxBytes))
      return buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, 0))
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR' || errnoOf(error) === 'ELOOP') return ''
    throw error
  }
}

/** Makes a folder and its parents (0755) in the root file system, where they are absent. */
export function makeFolders(root: string, path: string): void {
  const target = inside(root, fromText(path))
  const parts = target
    .slice(fromText(root).length)
    .split('/')
    .filter((part) => part !== '')
  let at = fromText(root)
  for (const part of parts) {
    at = `${at}/${part}`
    try {
      mkdirSync(toBytes(at))
      chmodSync(toBytes(at), 0o755)
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') continue
      throw new WherryError('sandbox-failed', `cannot make the working directory ${path}`, { cause: error })
    }
  }
}

function inside(root: string, path: BytePath): BytePath {
  const base = fromText(root)
  return `${base}/${resolvePath(path, linksOnDisk(base), 'follow')}`
}

/** The path on disk of a folder of the root file system, links resolved inside it; undefined if there is none. */
export function folderIn(root: string, path: string): string | undefined {
  try {
    const found = sourceIn(root, path)
    return lstatSync(found).isDirectory() ? found : undefined
  } catch (error) {
    if (error instanceof WherryError) return undefined
    throw error
  }
}

const pathOnly = 0o10000000

/**
 * The path on disk of a source, symbolic links followed inside the root.
 * @throws WherryError `copy-failed` if there is nothing
 */
export function sourceIn(root: string, source: string): string {
  const shown = posix.join('/', source)
  const rootFd = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    const fd = openInRoot(rootFd, Buffer.from(shown), pathOnly)
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } finally {
      closeSync(fd)
    }
  } catch (cause) {
    if (!['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(cause) ?? '')) throw cause
    throw new WherryError('copy-failed', `"${shown}": not found`, {
      hint: 'The mount names a source that is not there: check `source` and `from`, and .dockerignore.',
      cause,
    })
  } finally {
    closeSync(rootFd)
  }
}
