/** Calls on the running process or thread: death signal, descriptors, pipes, and namespaces of one thread. */
import { closeSync, openSync } from 'node:fs'
import { WherryError, errnoOf } from '../core/errors.ts'
import { cString, checked, libcFunction, syscall } from './libc.ts'

const prctl = libcFunction('int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)')
const pipe2 = libcFunction('int pipe2(void*, int)')
const unshare = libcFunction('int unshare(int)')
const sethostname = libcFunction('int sethostname(void*, size_t)')
const socket = libcFunction('int socket(int, int, int)')
const ioctl = libcFunction('int ioctl(int, unsigned long, void*)')

const setDeathSignal = 1
const sigKill = 9

/**
 * Makes the kernel kill this process when the thread that started it dies (PR_SET_PDEATHSIG). Entering a user namespace
 * clears this, so the process inside sets it itself.
 * @param parentPid the parent as it was at the start; if it is another one now, it died before the call
 * @throws WherryError `cancelled` if the parent is gone already
 */
export function dieWithParent(parentPid: number): void {
  checked(prctl(setDeathSignal, sigKill, 0, 0, 0), 'prctl PR_SET_PDEATHSIG')
  if (process.ppid !== parentPid) throw new WherryError('cancelled', 'the process that started this one is gone')
}

/**
 * Marks every descriptor from 3 on close-on-exec, so that no child inherits one by accident (close_range(2), Linux 5.11).
 * @throws SystemError
 */
export function closeDescriptorsOnExec(): void {
  const closeOnExec = 4
  try {
    checked(syscall('close_range', 3, 0xffffffff, closeOnExec), 'close_range')
  } catch (error) {
    // Older kernels: what Node and wherry open is close-on-exec anyway, only descriptors of our own parent may leak.
    if (!['ENOSYS', 'EINVAL'].includes(errnoOf(error) ?? '')) throw error
  }
}

/**
 * A pipe whose ends are close-on-exec. Node's own pipes to children are sockets, which a program cannot open as /dev/stdout.
 * @throws SystemError
 */
export function makePipe(): { readonly read: number; readonly write: number } {
  const closeOnExec = 0o2000000
  const ends = Buffer.alloc(8)
  checked(pipe2(ends, closeOnExec), 'pipe2')
  return { read: ends.readInt32LE(0), write: ends.readInt32LE(4) }
}

/** CLONE_NEW* of clone(2). */
const newNamespace = { mnt: 0x20000, uts: 0x4000000, ipc: 0x8000000, pid: 0x20000000, net: 0x40000000 } as const

/**
 * Runs `work` with this thread alone in a new mount namespace, and brings the thread back to its own. Children started by
 * `work` stay in the new one, which vanishes, mounts and all, with the last of them. `work` must not wait: the thread does
 * nothing else meanwhile. Afterwards the thread has a working directory of its own, `/`. It also gets new uts and ipc
 * namespaces, which it keeps: those that it came from belong to the host, which lets nobody back in.
 * @throws SystemError, and what `work` throws
 */
export function inNewNamespaces<T>(work: () => T): T {
  const home = openSync('/proc/thread-self/ns/mnt', 'r')
  try {
    checked(unshare(newNamespace.mnt | newNamespace.uts | newNamespace.ipc), 'unshare')
    try {
      return work()
    } finally {
      checked(syscall('setns', home, newNamespace.mnt), 'setns', 'mnt')
    }
  } finally {
    closeSync(home)
  }
}

/**
 * Moves this thread, for good, into a new network namespace with nothing but a loopback interface, which is up.
 * @returns a descriptor that keeps the namespace, close-on-exec
 * @throws SystemError
 */
export function enterEmptyNetwork(): number {
  checked(unshare(newNamespace.net), 'unshare')
  bringUpLoopback()
  return openSync('/proc/thread-self/ns/net', 'r')
}

/**
 * Makes all later children of this thread members of a pid namespace, for good. The thread itself stays where it is, but can
 * start no further threads.
 * @param fd the namespace, a descendant of this thread's own
 * @throws SystemError
 */
export function bearChildrenIn(fd: number): void {
  checked(syscall('setns', fd, newNamespace.pid), 'setns', 'pid')
}

/** Sets the host name in the uts namespace of this thread. @throws SystemError */
export function setHostname(name: string): void {
  const bytes = cString(name)
  checked(sethostname(bytes, bytes.length - 1), 'sethostname', name)
}

/** Brings up the loopback interface of this thread's network namespace: SIOCSIFFLAGS, netdevice(7). */
function bringUpLoopback(): void {
  const inet = 2
  const datagramCloseOnExec = 2 | 0o2000000
  const setFlags = 0x8914
  const upAndRunning = 0x41
  const fd = checked(socket(inet, datagramCloseOnExec, 0), 'socket')
  try {
    const request = Buffer.alloc(40)
    request.write('lo')
    request.writeInt16LE(upAndRunning, 16)
    checked(ioctl(fd, setFlags, request), 'ioctl SIOCSIFFLAGS', 'lo')
  } finally {
    closeSync(fd)
  }
}
