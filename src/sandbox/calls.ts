/** Numbers of the system calls that single mode answers in the kernel's place, by processor: pure. */
import { WherryError } from '../core/errors.ts'

/** What is done with a call. */
export type CallGroup =
  /** Changes an owner. */
  | 'chown'
  /** Tells a file's status. */
  | 'stat'
  /** Tells or changes the process's own ids. */
  | 'ids'
  /** Makes a file, and does nothing else. */
  | 'make'
  /** Makes a file if its flags have O_CREAT. */
  | 'open'
  /** Makes a device, fifo or file, according to the mode among its arguments. */
  | 'mknod'
  | 'exec'
  /** Of many uses, one of which lets capabilities outlive a change of ids. */
  | 'prctl'
  /** Tells or sets limits, of which one is what processes are marked with. */
  | 'limits'
  /** Succeeds without doing anything. */
  | 'fake'

/** Name, group, and numbers on x86-64 and on arm64, which lacks the calls that others replace. */
const table = [
  ['chown', 'chown', 92, undefined],
  ['fchown', 'chown', 93, 55],
  ['lchown', 'chown', 94, undefined],
  ['fchownat', 'chown', 260, 54],
  ['stat', 'stat', 4, undefined],
  ['fstat', 'stat', 5, 80],
  ['lstat', 'stat', 6, undefined],
  ['newfstatat', 'stat', 262, 79],
  ['statx', 'stat', 332, 291],
  ['getuid', 'ids', 102, 174],
  ['getgid', 'ids', 104, 176],
  ['geteuid', 'ids', 107, 175],
  ['getegid', 'ids', 108, 177],
  ['getresuid', 'ids', 118, 148],
  ['getresgid', 'ids', 120, 150],
  ['getgroups', 'ids', 115, 158],
  ['setuid', 'ids', 105, 146],
  ['setgid', 'ids', 106, 144],
  ['setreuid', 'ids', 113, 145],
  ['setregid', 'ids', 114, 143],
  ['setresuid', 'ids', 117, 147],
  ['setresgid', 'ids', 119, 149],
  ['setfsuid', 'ids', 122, 151],
  ['setfsgid', 'ids', 123, 152],
  ['setgroups', 'ids', 116, 159],
  ['capset', 'fake', 126, 91],
  ['open', 'open', 2, undefined],
  ['openat', 'open', 257, 56],
  ['creat', 'make', 85, undefined],
  ['mkdir', 'make', 83, undefined],
  ['mkdirat', 'make', 258, 34],
  ['symlink', 'make', 88, undefined],
  ['symlinkat', 'make', 266, 36],
  ['mknod', 'mknod', 133, undefined],
  ['mknodat', 'mknod', 259, 33],
  ['prctl', 'prctl', 157, 167],
  ['getrlimit', 'limits', 97, 163],
  ['setrlimit', 'limits', 160, 164],
  ['prlimit64', 'limits', 302, 261],
  ['execve', 'exec', 59, 221],
  ['execveat', 'exec', 322, 281],
] as const satisfies readonly (readonly [string, CallGroup, number, number | undefined])[]

/** A call that is answered. */
export type CallName = (typeof table)[number][0]

/** The calls of a processor. */
export interface CallNumbers {
  /** AUDIT_ARCH of audit(8). */
  readonly arch: number
  readonly calls: readonly { readonly name: CallName; readonly group: CallGroup; readonly number: number }[]
}

const architectures: Readonly<Record<string, { readonly arch: number; readonly column: 2 | 3 } | undefined>> = {
  x64: { arch: 0xc000003e, column: 2 },
  arm64: { arch: 0xc00000b7, column: 3 },
}

/**
 * The numbers of this processor.
 * @throws WherryError `host-unsupported`
 */
export function callNumbers(arch: string = process.arch): CallNumbers {
  const known = architectures[arch]
  if (known === undefined)
    throw new WherryError('host-unsupported', `single mode does not know the system calls of ${arch}`)
  const calls = table.flatMap((row) => {
    const number = row[known.column]
    return number === undefined ? [] : [{ name: row[0], group: row[1], number }]
  })
  return { arch: known.arch, calls }
}
