/** Looking into another process of the same user: its memory, its root folder, a mark on it. process_vm_readv(2), prlimit(2), proc(5). */
import { constants, openSync, readFileSync } from 'node:fs'
import { addressOf, checked, libcFunction } from './libc.ts'

const processVmReadv = libcFunction(
  'long process_vm_readv(int, void*, unsigned long, void*, unsigned long, unsigned long)',
)
const processVmWritev = libcFunction(
  'long process_vm_writev(int, void*, unsigned long, void*, unsigned long, unsigned long)',
)
const prlimit = libcFunction('int prlimit(int, int, void*, void*)')

const page = 4096
const longestPath = 4096

/**
 * A C string from another process's memory, without its NUL; undefined if it is longer than a path can be.
 * @throws SystemError
 */
export function readRemoteString(pid: number, address: bigint): Buffer | undefined {
  const parts: Buffer[] = []
  let at = address
  for (let total = 0; total < longestPath; ) {
    // Up to the end of the page: the next one may not be there.
    const wanted = page - Number(at % BigInt(page))
    const bytes = readRemote(pid, at, wanted)
    const end = bytes.indexOf(0)
    if (end >= 0) return Buffer.concat([...parts, bytes.subarray(0, end)])
    parts.push(bytes)
    total += bytes.length
    at += BigInt(bytes.length)
  }
  return undefined
}

/**
 * Bytes from another process's memory, fewer if that ends.
 * @throws SystemError
 */
export function readRemote(pid: number, address: bigint, length: number): Buffer {
  const into = Buffer.allocUnsafe(length)
  const count = processVmReadv(pid, vector(addressOf(into), length), 1, vector(address, length), 1, 0)
  return into.subarray(0, checked(count, 'process_vm_readv'))
}

/**
 * Writes into another process's memory.
 * @throws SystemError `EFAULT` if there is none at that address
 */
export function writeRemote(pid: number, address: bigint, bytes: Buffer): void {
  const { length } = bytes
  checked(processVmWritev(pid, vector(addressOf(bytes), length), 1, vector(address, length), 1, 0), 'process_vm_writev')
}

/** A struct iovec. */
function vector(address: bigint, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(16)
  bytes.writeBigUInt64LE(address, 0)
  bytes.writeBigUInt64LE(BigInt(length), 8)
  return bytes
}

const pathOnly = 0o10000000

/**
 * Opens a process's root folder (O_PATH), the caller's to close.
 * @throws SystemError
 */
export function openRemoteRoot(pid: number): number {
  return openSync(`/proc/${pid}/root`, pathOnly | constants.O_DIRECTORY)
}

/** A line of /proc/PID/status, without its name; undefined if there is none or the process is gone. */
export function remoteStatus(pid: number, name: string): string | undefined {
  try {
    return new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
  } catch {
    return undefined
  }
}

/** RLIMIT_LOCKS has had no effect since Linux 2.4, but every process has one, and passes it on to its children and over exec. */
const unusedLimit = 10
const firstMark = 0x574800000000

/** The mark that `markProcess` gave to a process or an ancestor; undefined if there is none. */
export function markOf(pid: number): number | undefined {
  const limit = Buffer.allocUnsafe(16)
  if (prlimit(pid, unusedLimit, null, limit) < 0) return undefined
  const soft = limit.readBigUInt64LE(0)
  return soft < firstMark || soft >= firstMark + 0x1_0000_0000 ? undefined : Number(soft) - firstMark
}

/**
 * Marks a process, and all that it starts from now on, with a number of 32 bits.
 * @returns false if the kernel refuses
 */
export function markProcess(pid: number, mark: number): boolean {
  const limit = Buffer.allocUnsafe(16)
  if (prlimit(pid, unusedLimit, null, limit) < 0) return false
  limit.writeBigUInt64LE(BigInt(firstMark + mark), 0)
  return prlimit(pid, unusedLimit, limit, null) === 0
}
