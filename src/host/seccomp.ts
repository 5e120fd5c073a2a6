/** Seccomp filters and their listeners: seccomp(2), seccomp_unotify(2). */
import { errnoOf } from '../core/errors.ts'
import { addressOf, checked, libcFunction, syscall } from './libc.ts'

const ioctl = libcFunction('int ioctl(int, unsigned long, void*)')
const ioctlValue = libcFunction('int ioctl(int, unsigned long, intptr_t)')
const poll = libcFunction('int poll(void*, unsigned long, int)')

const setModeFilter = 1
const newListener = 8
/** Linux 5.19: once received, a call is not interrupted by signals, after which it would be made a second time. */
const waitKillable = 32

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
  const install = (flags: number): number => checked(syscall('seccomp', setModeFilter, flags, header), 'seccomp')
  if (!listened) return install(0)
  try {
    return install(newListener | waitKillable)
  } catch (error) {
    if (errnoOf(error) !== 'EINVAL') throw error
    return install(newListener)
  }
}

/** A call that waits for its answer. */
export interface Notification {
  readonly id: bigint
  /** Thread that made the call. */
  readonly pid: number
  readonly number: number
  /** An argument as a signed 32-bit integer: an id, a descriptor, flags. */
  int(index: number): number
  /** An argument as the register had it: an address. */
  word(index: number): bigint
}

/** What becomes of a call. */
export type Answer =
  /** The kernel carries it out. */
  | { readonly kind: 'continue' }
  | { readonly kind: 'value'; readonly value: number }
  /** It fails; `errno` is positive. */
  | { readonly kind: 'errno'; readonly errno: number }
  /** It returns a descriptor for what `fd` has open here, which the caller closes. */
  | { readonly kind: 'descriptor'; readonly fd: number; readonly closeOnExec: boolean }

const request = { receive: 0xc0502100, send: 0xc0182101, isValid: 0x40082102, addFd: 0x40182103, setFlags: 0x40082104 }
const continueFlag = 1
const addAndSend = 2
const closeOnExecFlag = 0o2000000

/** The end of a filter at which its notifications arrive. */
export interface Listener {
  /** The next notification; undefined if there is none within so many milliseconds, or its thread is gone. Blocks the thread. */
  receive(withinMs: number): Notification | undefined
  /** A caller that is gone meanwhile is no error. */
  answer(id: bigint, answer: Answer): void
  /** True if the thread is still there and waits: then what is known by its pid is about it. */
  isWaiting(this: void, id: bigint): boolean
}

/** Uses the descriptor that `installFilter` returned. */
export function openListener(fd: number): Listener {
  // Linux 6.6: wakes this thread on the caller's processor, which waits anyway. Older kernels refuse, and it does not matter.
  ioctlValue(fd, request.setFlags, 1)
  const question = Buffer.alloc(8)
  const response = Buffer.alloc(24)
  const polled = Buffer.alloc(8)
  polled.writeInt32LE(fd, 0)
  polled.writeInt16LE(1, 4) // POLLIN
  return {
    receive(withinMs) {
      if (poll(polled, 1, withinMs) <= 0 || (polled.readInt16LE(6) & 1) === 0) return undefined
      const bytes = Buffer.alloc(80)
      return ioctl(fd, request.receive, bytes) < 0 ? undefined : notificationOf(bytes)
    },
    answer(id, answer) {
      if (answer.kind === 'descriptor') addDescriptor(fd, id, answer)
      else {
        response.writeBigUInt64LE(id, 0)
        response.writeBigInt64LE(answer.kind === 'value' ? BigInt(answer.value) : 0n, 8)
        response.writeInt32LE(answer.kind === 'errno' ? -answer.errno : 0, 16)
        response.writeUInt32LE(answer.kind === 'continue' ? continueFlag : 0, 20)
        ioctl(fd, request.send, response)
      }
    },
    isWaiting(id) {
      question.writeBigUInt64LE(id)
      return ioctl(fd, request.isValid, question) === 0
    },
  }
}

function notificationOf(bytes: Buffer): Notification {
  return {
    id: bytes.readBigUInt64LE(0),
    pid: bytes.readUInt32LE(8),
    number: bytes.readInt32LE(16),
    int: (index) => bytes.readInt32LE(32 + 8 * index),
    word: (index) => bytes.readBigUInt64LE(32 + 8 * index),
  }
}

/** Linux 5.14 adds the descriptor and answers in one. */
function addDescriptor(
  listener: number,
  id: bigint,
  { fd, closeOnExec }: Extract<Answer, { kind: 'descriptor' }>,
): void {
  const bytes = Buffer.alloc(24)
  bytes.writeBigUInt64LE(id, 0)
  bytes.writeUInt32LE(addAndSend, 8)
  bytes.writeUInt32LE(fd, 12)
  bytes.writeUInt32LE(closeOnExec ? closeOnExecFlag : 0, 20)
  ioctl(listener, request.addFd, bytes)
}
