/** Seccomp filters and their listeners: seccomp(2), seccomp_unotify(2). */
import { addressOf, checked, libcFunction, syscall } from './libc.ts'

const ioctl = libcFunction('int ioctl(int, unsigned long, void*)')
const processVmReadv = libcFunction(
  'long process_vm_readv(int, void*, unsigned long, void*, unsigned long, unsigned long)',
)

const setModeFilter = 1
const newListener = 8

/**
 * Installs a filter on this thread alone and on what it starts from now on; there is no way back. Needs CAP_SYS_ADMIN in the
 * user namespace, so that no_new_privs can stay off and setuid programs work.
 * @param program classic BPF
 * @returns a descriptor for its notifications if `listened`, close-on-exec
 * @throws SystemError `EBUSY` if a listener is there already (in some containers)
 */
export function installFilter(program: Buffer, listened: boolean): number {
  const header = Buffer.alloc(16)
  header.writeUInt16LE(program.length / 8, 0)
  header.writeBigUInt64LE(addressOf(program), 8)
  return checked(syscall('seccomp', setModeFilter, listened ? newListener : 0, header), 'seccomp')
}

/** A call that waits for its answer. */
export interface Notification {
  readonly id: bigint
  /** Thread that made the call. */
  readonly pid: number
  readonly number: number
  /** The six arguments as the registers had them. */
  readonly args: readonly bigint[]
}

const receive = 0xc0502100
const send = 0xc0182101

/**
 * The next notification, or undefined if the thread that made it is gone. Waits if there is none.
 * @throws SystemError
 */
export function receiveNotification(listener: number): Notification | undefined {
  const bytes = Buffer.alloc(80)
  if (ioctl(listener, receive, bytes) < 0) return undefined
  return {
    id: bytes.readBigUInt64LE(0),
    pid: bytes.readUInt32LE(8),
    number: bytes.readInt32LE(16),
    args: [0, 1, 2, 3, 4, 5].map((i) => bytes.readBigUInt64LE(32 + 8 * i)),
  }
}

/**
 * Answers a notification: the call returns 0, or fails with `errno` (positive).
 * A caller that is gone meanwhile is no error.
 */
export function answerNotification(listener: number, id: bigint, errno: number): void {
  const bytes = Buffer.alloc(24)
  bytes.writeBigUInt64LE(id, 0)
  bytes.writeInt32LE(-errno, 16)
  ioctl(listener, send, bytes)
}

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

function readRemote(pid: number, address: bigint, length: number): Buffer {
  const into = Buffer.alloc(length)
  const local = Buffer.alloc(16)
  local.writeBigUInt64LE(addressOf(into), 0)
  local.writeBigUInt64LE(BigInt(length), 8)
  const remote = Buffer.alloc(16)
  remote.writeBigUInt64LE(address, 0)
  remote.writeBigUInt64LE(BigInt(length), 8)
  return into.subarray(0, checked(processVmReadv(pid, local, 1, remote, 1, 0), 'process_vm_readv'))
}
