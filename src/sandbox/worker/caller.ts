/** What a process that made a call means by its descriptors and paths. */
import { closeSync, readlinkSync } from 'node:fs'
import { tryOpenInRoot } from '../../host/files.ts'
import { cString, lastErrno } from '../../host/libc.ts'
import { openRemoteRoot, readRemoteString } from '../../host/remote.ts'
import { type FilePlace, parseStatx, statxBytes } from '../../host/status.ts'

/** A file that a call names: a descriptor of the process, or a path from a folder of it. */
export interface Named {
  readonly folder: number
  /** Address of the path; undefined for the descriptor itself. */
  readonly path?: bigint
  readonly follow: boolean
  /** An empty path means the descriptor. */
  readonly mayBeEmpty?: boolean
}

/** Flags and descriptors of the calls that end in `at`. */
export const at = { currentDirectory: -100, noFollow: 0x100, emptyPath: 0x1000 } as const

const pathOnly = 0o10000000
const noFollow = 0o400000

/**
 * Calls `use` with the file that is named, as this process can reach it, or else `otherwise` with the number of the error.
 * @throws SystemError if the process is gone or its memory cannot be read
 */
export function withNamed<Result>(
  pid: number,
  named: Named,
  use: (place: FilePlace) => Result | undefined,
  otherwise: (errno: number) => Result | undefined = () => undefined,
): Result | undefined {
  const given = named.path === undefined ? undefined : readPath(pid, named, named.path)
  // A link of /proc to an open file, which is followed to the file and no further.
  if (given === undefined) return use({ path: cString(folderLink(pid, named.folder)), follow: true })
  const nearby = nameIn(pid, named, given)
  if (nearby !== undefined) return use(nearby)
  const fd = openFor(pid, fromRoot(pid, named.folder, given), pathOnly | (named.follow ? 0 : noFollow))
  if (fd < 0) return otherwise(lastErrno())
  try {
    return use(fd)
  } finally {
    closeSync(fd)
  }
}

/** A name in a folder needs no look at the root, unless it is a link to be followed. Most calls name files so, one after the other. */
function nameIn(pid: number, { folder, follow }: Named, path: Buffer): FilePlace | undefined {
  if (path.includes(slash) || path.equals(parentName)) return undefined
  const place = { path: Buffer.concat([Buffer.from(`${folderLink(pid, folder)}/`), path, nul]), follow: false }
  if (!follow) return place
  const bytes = statxBytes(place)
  return bytes === undefined || (parseStatx(bytes).mode & typeMask) === linkType ? undefined : place
}

const parentName = Buffer.from('..')
const nul = Buffer.alloc(1)
const typeMask = 0o170000
const linkType = 0o120000

/** What a process makes a new file at. */
export interface NewPlace {
  /** Descriptor of the folder. */
  readonly folder: number
  readonly name: Buffer
}

/** Calls `use` with the folder and the name that the path leads to; undefined if there is no such folder, or no name. */
export function withNewPlace<Result>(
  pid: number,
  { folder, path: address }: { readonly folder: number; readonly path: bigint },
  use: (place: NewPlace) => Result | undefined,
): Result | undefined {
  const given = readPath(pid, { folder, follow: true }, address)
  if (given === undefined) return undefined
  const path = fromRoot(pid, folder, given)
  let end = path.length
  while (end > 1 && path[end - 1] === slash) end--
  const start = path.lastIndexOf(slash, end - 1) + 1
  const name = path.subarray(start, end)
  if (['', '.', '..'].includes(name.toString('latin1'))) return undefined
  const fd = openFor(pid, start === 0 ? Buffer.from('.') : path.subarray(0, start), pathOnly)
  if (fd < 0) return undefined
  try {
    return use({ folder: fd, name })
  } finally {
    closeSync(fd)
  }
}

const slash = 0x2f

/** Opens a path from the process's root; negative if that fails. */
function openFor(pid: number, path: Buffer, flags: number): number {
  const root = openRemoteRoot(pid)
  try {
    return tryOpenInRoot(root, path, flags)
  } finally {
    closeSync(root) // Leaves the error's number as it is.
  }
}

function folderLink(pid: number, folder: number): string {
  return folder === at.currentDirectory ? `/proc/${pid}/cwd` : `/proc/${pid}/fd/${folder}`
}

/** The path as the process gave it; undefined if the call means its descriptor. */
function readPath(pid: number, { mayBeEmpty }: Named, address: bigint): Buffer | undefined {
  // Since Linux 6.11 a null pointer is an empty path.
  const path = address === 0n && mayBeEmpty === true ? Buffer.alloc(0) : readRemoteString(pid, address)
  if (path === undefined) throw Object.assign(new Error('path too long'), { code: 'ENAMETOOLONG' })
  if (path.length > 0) return path
  if (mayBeEmpty === true) return undefined
  throw Object.assign(new Error('empty path'), { code: 'ENOENT' })
}

/** The path from the process's root. */
function fromRoot(pid: number, folder: number, path: Buffer): Buffer {
  if (path[0] === slash) return path
  const from = readlinkSync(folderLink(pid, folder), { encoding: 'buffer' })
  return Buffer.concat([withinRoot(pid, from), Buffer.from('/'), path])
}

/** The kernel writes the link as this thread sees it; a process that changed its root has a part in front. */
function withinRoot(pid: number, from: Buffer): Buffer {
  const root = readlinkSync(`/proc/${pid}/root`, { encoding: 'buffer' })
  return root.length > 1 && from.subarray(0, root.length).equals(root) ? from.subarray(root.length) : from
}
