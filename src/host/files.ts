/** Calls on files that Node lacks or has with too little precision. Paths are bytes; a symbolic link at the end is never followed. */
import { constants, readFileSync, renameSync } from 'node:fs'
import { errnoOf } from '../core/errors.ts'
import { ifThere } from '../core/if-there.ts'
import { cString, checked, libcFunction, syscall, waitingFunction } from './libc.ts'

const utimensat = libcFunction('int utimensat(int, void*, void*, int)')
const syncfs = waitingFunction('int syncfs(int)')

const atFdCwd = -100
const atSymlinkNoFollow = 0x100

/** File types for `makeNode`: the S_IFMT part of a mode. */
export const nodeType = { char: 0o020000, block: 0o060000, fifo: 0o010000 } as const

/** What `makeNode` makes. */
export interface NodeRequest {
  readonly type: keyof typeof nodeType
  /** Permission bits; the umask applies. */
  readonly mode: number
  readonly major?: number
  readonly minor?: number
}

/**
 * mknod(2): a device or a fifo. In a user namespace only fifos and the whiteout device (char 0:0) are allowed.
 * @throws SystemError
 */
export function makeNode(path: Buffer, request: NodeRequest): void {
  const { type, mode, major = 0, minor = 0 } = request
  const device = ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0
  checked(syscall('mknodat', atFdCwd, cString(path), nodeType[type] | mode, device), 'mknodat', path)
}

const perSecond = 1_000_000_000n

/**
 * Sets the times of a file, folder or link, in nanoseconds since 1970 (may be negative). Node's lutimes has less than microseconds.
 * @throws SystemError
 */
export function setTimes(path: Buffer, times: { readonly mtime: bigint; readonly atime?: bigint }): void {
  const words = Buffer.alloc(32)
  writeTimespec(words, 0, times.atime ?? times.mtime)
  writeTimespec(words, 16, times.mtime)
  checked(utimensat(atFdCwd, cString(path), words, atSymlinkNoFollow), 'utimensat', path)
}

function writeTimespec(words: Buffer, offset: number, ns: bigint): void {
  const rest = ((ns % perSecond) + perSecond) % perSecond
  words.writeBigInt64LE((ns - rest) / perSecond, offset)
  words.writeBigInt64LE(rest, offset + 8)
}

/**
 * Writes everything of the file system that holds this descriptor to the disk: syncfs(2), in another thread.
 * @returns false if the disk did not take it
 */
export async function syncFileSystem(fd: number): Promise<boolean> {
  return (await syncfs(fd)) === 0
}

/**
 * Opens a path inside a root folder as if that were `/`: `..` and symbolic links cannot leave it (openat2(2) with
 * RESOLVE_IN_ROOT, Linux 5.6).
 * @param root descriptor of the folder
 * @param flags of open(2); O_CLOEXEC is added
 * @returns a descriptor, the caller's to close
 * @throws SystemError
 */
export function openInRoot(root: number, path: Buffer, flags: number, mode = 0): number {
  return checked(tryOpenInRoot(root, path, flags, mode), 'openat2', path)
}

/** As `openInRoot`, but -1 for a failure, whose number `lastErrno` tells: for where many paths lead nowhere, and errors are slow. */
export function tryOpenInRoot(root: number, path: Buffer, flags: number, mode = 0): number {
  const closeOnExec = 0o2000000
  const inRoot = 0x10n
  const noMagicLinks = 0x02n
  const how = Buffer.alloc(24)
  how.writeBigUInt64LE(BigInt(flags | closeOnExec), 0)
  how.writeBigUInt64LE(BigInt(mode), 8)
  how.writeBigUInt64LE(inRoot | noMagicLinks, 16)
  return syscall('openat2', root, cString(path), how, 24)
}

/**
 * Opens a folder inside a root folder, for naming what lies in it; nothing on the way may be a symbolic link (openat2(2) with
 * RESOLVE_NO_SYMLINKS, Linux 5.6).
 * @param root descriptor of the root folder
 * @param path relative to it
 * @returns a descriptor (O_PATH), the caller's to close
 * @throws SystemError `ELOOP` for a symbolic link
 */
export function openFolderBelow(root: number, path: Buffer): number {
  const pathOnlyCloseOnExec = 0o10000000 | 0o2000000
  const beneath = 0x08n
  const noSymlinks = 0x04n
  const how = Buffer.alloc(24)
  how.writeBigUInt64LE(BigInt(pathOnlyCloseOnExec | constants.O_DIRECTORY), 0)
  how.writeBigUInt64LE(beneath | noSymlinks, 16)
  return checked(syscall('openat2', root, cString(path), how, 24), 'openat2', path)
}

/** Which mount an open file was reached through: `mnt_id` of proc_pid_fdinfo(5). */
export function mountIdOf(fd: number): string | undefined {
  return /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1]
}

/**
 * Renames unless there is something with the new name: renameat2(2) with RENAME_NOREPLACE.
 * @returns false if there is
 * @throws SystemError
 */
export function moveIfFree(from: Buffer, to: Buffer): boolean {
  const noReplace = 1
  try {
    checked(syscall('renameat2', atFdCwd, cString(from), atFdCwd, cString(to), noReplace), 'renameat2', to)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
}

/** Renames what may be gone. @returns false if `from`, or the folder of `to`, does not exist */
export function moveIfThere(from: string, to: string): boolean {
  return ifThere(() => (renameSync(from, to), true)) ?? false
}
