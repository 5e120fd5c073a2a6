/** Mount points in a root file system: found without ever leaving it, and made where missing. See stubs.ts for their end. */
import { closeSync, constants, lstatSync, mkdirSync, openSync, readlinkSync, statSync } from 'node:fs'
import { posix } from 'node:path'
import { WherryError, errnoOf } from '../core/errors.ts'
import { mountIdOf, openInRoot } from '../host/files.ts'
import type { Stub, Stubs } from './stubs.ts'

/** Finds mount points and remembers what was made, so that it can be undone. */
export interface Targets {
  /** A folder directly below the root; the path on disk. @throws WherryError `sandbox-failed` if it is something else */
  folder(name: string): string
  /** A file, symbolic links followed inside the root; the path on disk. @throws WherryError `sandbox-failed` */
  file(path: string): string
  /** A folder anywhere, symbolic links followed inside the root. @throws WherryError `sandbox-failed` */
  deepFolder(path: string): void
  /** A place for a mount, symbolic links followed inside the root. @throws WherryError `sandbox-failed` if it cannot be one */
  place(path: string, kind: 'folder' | 'file'): Place
  /** What was made so far in the root file system itself; what was made in something mounted over it is that one's. */
  stubs(): Stubs
  close(): void
}

/** A mount point. */
export interface Place {
  /** Path on disk, without any symbolic link. */
  readonly path: string
  /** True if it was there before. */
  readonly existed: boolean
}

const pathOnly = 0o10000000
const maxLinks = 8

/** Mount points of the root file system at `root`, which must not change meanwhile. */
export function openTargets(root: string): Targets {
  const rootFd = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY)
  const base = readlinkSync(`/proc/self/fd/${rootFd}`)
  const made: Stub[] = []
  const times = new Map<string, { readonly before: bigint; readonly after: bigint }>()
  const relative = (path: string): string => posix.relative(base, path) || '.'

  const make = (path: string, folder: boolean): void => {
    const parent = posix.dirname(path)
    const before = times.get(relative(parent))?.before ?? mtimeOf(parent)
    if (folder) mkdirSync(path, { mode: 0o755 })
    else closeSync(openSync(path, 'wx', 0o644))
    if (!isOnMount(parent, rootFd)) return
    made.push({ path: relative(path), folder })
    times.set(relative(parent), { before, after: mtimeOf(parent) })
  }
  const ensure = (path: string, folder: boolean, links: number): string => {
    const found = resolved(rootFd, path)
    if (found !== undefined) return found
    const parent = ensure(posix.dirname(path), true, links)
    const full = posix.join(parent, posix.basename(path))
    const link = linkAt(full)
    if (link !== undefined) return ensure(followed(posix.join('/', relative(full)), link, links), folder, links + 1)
    make(full, folder)
    return full
  }

  return {
    folder: (name) => {
      const path = posix.join(base, name)
      const stats = lstatSync(path, { throwIfNoEntry: false })
      if (stats === undefined) make(path, true)
      else if (!stats.isDirectory()) throw new WherryError('sandbox-failed', `/${name} of the image is not a folder`)
      return path
    },
    file: (path) => ensure(posix.join('/', path), false, 0),
    deepFolder: (path) => void explained(path, () => ensure(posix.join('/', path), true, 0)),
    place: (target, kind) => {
      const wanted = posix.join('/', target).replace(/\/+$/, '') || '/'
      const found = resolved(rootFd, wanted)
      const path = found ?? explained(target, () => ensure(wanted, kind === 'folder', 0))
      const inRoot = posix.join('/', relative(path))
      if (inRoot === '/' || inRoot === '/proc' || inRoot.startsWith('/proc/'))
        throw new WherryError('sandbox-failed', `invalid mount target "${target}"`, {
          hint: inRoot === '/' ? 'Mount it at a folder below the root.' : 'Nothing can be mounted over /proc.',
        })
      if (statSync(path).isDirectory() !== (kind === 'folder')) throw otherKind(target, kind)
      return { path, existed: found !== undefined }
    },
    stubs: () => ({ made: [...made], times: [...times].map(([folder, time]) => ({ folder, ...time })) }),
    close: () => closeSync(rootFd),
  }
}

function otherKind(target: string, kind: 'folder' | 'file'): WherryError {
  const [source, found] = kind === 'folder' ? ['a folder', 'a file'] : ['a file', 'a folder']
  return new WherryError('sandbox-failed', `cannot mount ${source} at ${target}: the image has ${found} there`, {
    hint: 'Choose another target.',
  })
}

function explained<T>(target: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof WherryError || errnoOf(error) === undefined) throw error
    throw new WherryError(
      'sandbox-failed',
      `cannot make ${target} in the image or in what is mounted there: ${errnoOf(error) ?? ''}`,
      {
        cause: error,
      },
    )
  }
}

function mtimeOf(folder: string): bigint {
  return lstatSync(folder, { bigint: true }).mtimeNs
}

/** True if a folder is seen through the same mount as an open one. */
function isOnMount(folder: string, open: number): boolean {
  const fd = openSync(folder, pathOnly | constants.O_DIRECTORY)
  try {
    return mountIdOf(fd) === mountIdOf(open)
  } finally {
    closeSync(fd)
  }
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
