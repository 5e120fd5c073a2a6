/** Mount points that were made for a run, and taking them away without a trace when it is over. */
import { closeSync, constants, lstatSync, openSync, rmdirSync, unlinkSync } from 'node:fs'
import { posix } from 'node:path'
import { errnoOf } from '../core/errors.ts'
import { openFolderBelow, setTimes } from '../host/files.ts'

/** An empty folder or file; its path is relative to the root file system. */
export interface Stub {
  readonly path: string
  readonly folder: boolean
}

/** Plain data: it comes from the thread that mounts. */
export interface Stubs {
  /** In the order in which they were made. */
  readonly made: readonly Stub[]
  /** Modification times (ns) of the folders that they were made in, before and after. */
  readonly times: readonly { readonly folder: string; readonly before: bigint; readonly after: bigint }[]
}

/**
 * Removes stubs that are still empty and puts back the times of the folders that held them, unless the run changed those
 * too. The run is over, but may have put symbolic links anywhere: none is followed.
 */
export function removeStubs(root: string, { made, times }: Stubs): void {
  if (made.length === 0) return
  const rootFd = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    const wanted = times.flatMap(({ folder, before, after }) => {
      const now = inFolder(rootFd, folder, (at) => lstatSync(`${at}/.`, { bigint: true }).mtimeNs)
      return now === undefined ? [] : [{ folder, mtime: now === after ? before : now }]
    })
    for (const stub of made.toReversed())
      inFolder(rootFd, posix.dirname(stub.path), (at) => removeStub(`${at}/${posix.basename(stub.path)}`, stub.folder))
    for (const { folder, mtime } of wanted) inFolder(rootFd, folder, (at) => restoreTime(`${at}/.`, mtime))
  } finally {
    closeSync(rootFd)
  }
}

/** What `work` makes of a path of the folder; undefined if the run has put something else there. */
function inFolder<T>(rootFd: number, folder: string, work: (at: string) => T): T | undefined {
  let fd: number
  try {
    fd = openFolderBelow(rootFd, Buffer.from(folder))
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error) ?? '')) return undefined
    throw error
  }
  try {
    return work(`/proc/self/fd/${fd}`)
  } finally {
    closeSync(fd)
  }
}

function removeStub(path: string, folder: boolean): void {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined || stats.isDirectory() !== folder) return
  if (!folder) {
    if (stats.isFile() && stats.size === 0) unlinkSync(path)
    return
  }
  try {
    rmdirSync(path)
  } catch (error) {
    // The run has put something of its own beside the mount.
    if (errnoOf(error) !== 'ENOTEMPTY') throw error
  }
}

function restoreTime(path: string, mtime: bigint): void {
  setTimes(Buffer.from(path), { mtime, atime: lstatSync(path, { bigint: true }).atimeNs })
}
