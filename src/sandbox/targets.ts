/** Mount points in a root file system: found without ever leaving it, made where missing, and taken away without a trace. */
import { closeSync, constants, lstatSync, mkdirSync, openSync, readlinkSync, rmSync, rmdirSync } from 'node:fs'
import { posix } from 'node:path'
import { WherryError, errnoOf } from '../core/errors.ts'
import { openInRoot, setTimes } from '../host/files.ts'

/** Remembers what was made, so that it can be undone. */
export interface Targets {
  /** A folder directly below the root; the path on disk. @throws WherryError `sandbox-failed` if it is something else */
  folder(name: string): string
  /** A file, symbolic links followed inside the root; the path on disk. @throws WherryError `sandbox-failed` */
  file(path: string): string
  /** Removes what was made and puts back the times of the folders that held it. */
  undo(): void
}

const pathOnly = 0o10000000
const maxLinks = 8

/** Mount points of the root file system at `root`, which must not change meanwhile. */
export function openTargets(root: string): Targets {
  const rootFd = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY)
  const made: { readonly path: string; readonly folder: boolean }[] = []
  const times = new Map<string, FolderTimes>()
  const make = (path: string, folder: boolean): void => {
    const parent = posix.dirname(path)
    const before = times.get(parent)?.before ?? mtimeOf(parent)
    if (folder) mkdirSync(path, { mode: 0o755 })
    else closeSync(openSync(path, 'wx', 0o644))
    made.push({ path, folder })
    times.set(parent, { before, after: mtimeOf(parent) })
  }

  const ensureFile = (path: string, links: number): string => {
    const found = resolved(rootFd, path)
    if (found !== undefined) return found
    const parent = resolved(rootFd, posix.dirname(path)) ?? ensureFolder(posix.dirname(path), links)
    const full = posix.join(parent, posix.basename(path))
    const link = linkAt(full)
    if (link !== undefined) return ensureFile(followed(path, link, links), links + 1)
    make(full, false)
    return full
  }
  const ensureFolder = (path: string, links: number): string => {
    const found = resolved(rootFd, path)
    if (found !== undefined) return found
    const parent = ensureFolder(posix.dirname(path), links)
    const full = posix.join(parent, posix.basename(path))
    const link = linkAt(full)
    if (link !== undefined) return ensureFolder(followed(path, link, links), links + 1)
    make(full, true)
    return full
  }

  return {
    folder: (name) => {
      const path = posix.join(root, name)
      const stats = lstatSync(path, { throwIfNoEntry: false })
      if (stats === undefined) make(path, true)
      else if (!stats.isDirectory()) throw new WherryError('sandbox-failed', `/${name} of the image is not a folder`)
      return path
    },
    file: (path) => ensureFile(posix.join('/', path), 0),
    undo: () => {
      closeSync(rootFd)
      const wanted = [...times].map(([folder, time]) => [folder, timeToKeep(folder, time)] as const)
      for (const { path, folder } of made.reverse()) removeStub(path, folder)
      for (const [folder, mtime] of wanted) restoreTime(folder, mtime)
    },
  }
}

/** Modification times of a folder before and after a mount point was made in it. */
interface FolderTimes {
  readonly before: bigint
  readonly after: bigint
}

function mtimeOf(folder: string): bigint {
  return lstatSync(folder, { bigint: true }).mtimeNs
}

/** What the run itself changed in the folder stays seen. */
function timeToKeep(folder: string, { before, after }: FolderTimes): bigint {
  const now = lstatSync(folder, { bigint: true, throwIfNoEntry: false })?.mtimeNs
  return now === undefined || now === after ? before : now
}

/** The path on disk of what `path` leads to inside the root, or undefined if it leads to nothing. */
function resolved(rootFd: number, path: string): string | undefined {
  try {
    const fd = openInRoot(rootFd, Buffer.from(path), pathOnly)
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw new WherryError('sandbox-failed', `${path} of the image cannot be a mount point`, { cause: error })
  }
}

function linkAt(full: string): string | undefined {
  try {
    return readlinkSync(full)
  } catch {
    return undefined // Nothing there, or no link.
  }
}

/** The path that a dangling link at `path` means, from the root. */
function followed(path: string, link: string, links: number): string {
  if (links >= maxLinks) throw new WherryError('sandbox-failed', `too many symbolic links at ${path} of the image`)
  return posix.resolve('/', posix.dirname(path), link)
}

function removeStub(path: string, folder: boolean): void {
  try {
    if (folder) rmdirSync(path)
    else rmSync(path)
  } catch (error) {
    // The run may have removed it, or put something of its own beside it.
    if (!['ENOENT', 'ENOTEMPTY', 'ENOTDIR'].includes(errnoOf(error) ?? '')) throw error
  }
}

function restoreTime(folder: string, mtime: bigint): void {
  try {
    setTimes(Buffer.from(folder), { mtime, atime: lstatSync(folder, { bigint: true }).atimeNs })
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
  }
}
