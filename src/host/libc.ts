/**
 * The C library, for the system calls that Node lacks: the one file that loads koffi, at the first call.
 * A call blocks its thread, so what can wait long belongs into a worker.
 */
import { createRequire } from 'node:module'
import { getSystemErrorName } from 'node:util'
import { WherryError } from '../core/errors.ts'

/** What a native function takes: integers, and addresses of bytes (null is the null pointer). */
export type NativeArg = number | bigint | Uint8Array | null

/** A function of the C library; the result is its return value, -1 mostly for failure. */
export type NativeFunction = (...args: readonly NativeArg[]) => number

/** One that is called in a thread of koffi's, and calls back. */
interface LibraryFunction extends NativeFunction {
  async(...args: readonly [...NativeArg[], (error: Error | null, result: number) => void]): void
}

/** The part of koffi that is used. */
interface Koffi {
  load(name: string | null): Library
  errno(): number
  address(value: Uint8Array): bigint
  readonly node: { poll(fd: number, options: { readable: boolean }, callback: () => void): { close(): void } }
}

interface Library {
  func(prototype: string): LibraryFunction
}

let loaded: { readonly koffi: Koffi; readonly library: Library } | undefined

/** Loads koffi once a thread. Symbols come from the running program, which has glibc or musl linked in. */
function native(): { readonly koffi: Koffi; readonly library: Library } {
  if (loaded !== undefined) return loaded
  try {
    const koffi = createRequire(import.meta.url)('koffi') as Koffi
    loaded = { koffi, library: koffi.load(null) }
    return loaded
  } catch (cause) {
    throw new WherryError('host-unsupported', `koffi has no library for ${process.platform} on ${process.arch}`, {
      hint: 'reinstall wherry with optional dependencies (npm install --include=optional)',
      cause,
    })
  }
}

/** The function with this C prototype, looked up at its first call. */
export function libcFunction(prototype: string): NativeFunction {
  let resolved: NativeFunction | undefined
  return (...args) => {
    resolved ??= native().library.func(prototype)
    return resolved(...args)
  }
}

/**
 * The function with this C prototype, for a call that waits for the disk: made in another thread. What went wrong is not known,
 * for the error number stays there.
 */
export function waitingFunction(prototype: string): (...args: readonly NativeArg[]) => Promise<number> {
  let resolved: LibraryFunction | undefined
  return (...args) => {
    const call = (resolved ??= native().library.func(prototype))
    return new Promise((resolve, reject) => {
      call.async(...args, (error, result) => (error === null ? resolve(result) : reject(error)))
    })
  }
}

/** The address of a buffer, for structures that hold pointers. The caller keeps the buffer alive during the call. */
export function addressOf(bytes: Uint8Array): bigint {
  return native().koffi.address(bytes)
}

/** A C string: text as UTF-8, or bytes as they are. */
export function cString(value: string | Buffer): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value
  const out = Buffer.alloc(bytes.length + 1)
  bytes.copy(out)
  return out
}

/** An error of the kernel, in the shape of Node's own: `code` is the errno's name. */
export interface SystemError extends Error {
  readonly code: string
  readonly syscall: string
}

/** The number of the error of the native call that just failed in this thread. */
export function lastErrno(): number {
  return native().koffi.errno()
}

/** The error of the native call that just failed in this thread. */
export function lastError(syscall: string, subject?: string | Buffer): SystemError {
  const errno = native().koffi.errno()
  const code = getSystemErrorName(-errno)
  const what = subject === undefined ? '' : ` '${subject.toString()}'`
  return Object.assign(new Error(`${code}: ${syscall}${what}`), { code, syscall, errno: -errno })
}

/**
 * `result` of a native call unless it is negative.
 * @throws SystemError
 */
export function checked(result: number, syscall: string, subject?: string | Buffer): number {
  if (result < 0) throw lastError(syscall, subject)
  return result
}

/** Calls back whenever a descriptor is readable, from the event loop of this thread, until closed. */
export function whenReadable(fd: number, callback: () => void): { close(): void } {
  const watch = native().koffi.node.poll(fd, { readable: true }, callback)
  watched.add(watch)
  return {
    close: () => {
      watched.delete(watch)
      watch.close()
    },
  }
}

/** Held here because a watch that the garbage collector finds unreferenced stops watching. */
const watched = new Set<{ close(): void }>()

const numbers = {
  x64: {
    mknodat: 259,
    newfstatat: 262,
    statx: 332,
    renameat2: 316,
    seccomp: 317,
    setns: 308,
    setgroups: 116,
    setresgid: 119,
    capget: 125,
    capset: 126,
  },
  arm64: {
    mknodat: 33,
    newfstatat: 79,
    statx: 291,
    renameat2: 276,
    seccomp: 277,
    setns: 268,
    setgroups: 159,
    setresgid: 149,
    capget: 90,
    capset: 91,
  },
  any: {
    open_tree: 428,
    move_mount: 429,
    fsopen: 430,
    fsconfig: 431,
    fsmount: 432,
    close_range: 436,
    openat2: 437,
    mount_setattr: 442,
  },
} as const

/** A system call that old C libraries have no function for. */
export type SyscallName = keyof typeof numbers.any | keyof typeof numbers.x64

const rawSyscall = libcFunction('long syscall(long, intptr_t, intptr_t, intptr_t, intptr_t, intptr_t)')

/**
 * Makes a system call by its number, with up to five arguments.
 * @returns what the kernel returned, -1 for failure
 * @throws WherryError `host-unsupported` on a processor whose numbers are not known
 */
export function syscall(name: SyscallName, ...args: readonly NativeArg[]): number {
  const words = [0, 1, 2, 3, 4].map((i) => {
    const arg = args[i] ?? 0
    return typeof arg === 'object' ? addressOf(arg) : arg
  })
  return rawSyscall(syscallNumber(name), ...words)
}

function syscallNumber(name: SyscallName): number {
  if (name in numbers.any) return numbers.any[name as keyof typeof numbers.any]
  const table = process.arch === 'x64' ? numbers.x64 : process.arch === 'arm64' ? numbers.arm64 : undefined
  if (table === undefined)
    throw new WherryError('host-unsupported', `wherry does not know the system calls of ${process.arch}`)
  return table[name as keyof typeof numbers.x64]
}
