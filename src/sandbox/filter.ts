/**
 * The seccomp filter of single mode, as bytes of classic BPF (seccomp(2)): calls that change owners go to a listener, calls
 * that change the process's own ids or make devices succeed without doing anything. The list is Charliecloud's. Pure.
 */
import { WherryError } from '../core/errors.ts'

const op = { load: 0x20, equals: 0x15, and: 0x54, result: 0x06 } as const
const allow = 0x7fff0000
const succeed = 0x00050000 // SECCOMP_RET_ERRNO with errno 0
const notify = 0x7fc00000

/** Offsets in struct seccomp_data. */
const numberAt = 0
const archAt = 4
const argumentAt = (index: number): number => 16 + 8 * index

/** System call numbers of a processor. */
export interface CallNumbers {
  readonly arch: number
  /** Calls that change an owner; those by path or descriptor that the processor lacks are absent. */
  readonly chown: {
    readonly chown?: number
    readonly fchown: number
    readonly lchown?: number
    readonly fchownat: number
  }
  /** capset, set*id and setgroups. */
  readonly faked: readonly number[]
  readonly mknod?: number
  readonly mknodat: number
}

const numbers: Readonly<Record<string, CallNumbers>> = {
  x64: {
    arch: 0xc000003e,
    chown: { chown: 92, fchown: 93, lchown: 94, fchownat: 260 },
    faked: [126, 105, 106, 113, 114, 116, 117, 119, 122, 123],
    mknod: 133,
    mknodat: 259,
  },
  arm64: {
    arch: 0xc00000b7,
    chown: { fchown: 55, fchownat: 54 },
    faked: [91, 143, 144, 145, 146, 147, 149, 151, 152, 159],
    mknodat: 33,
  },
}

/**
 * The numbers of this processor.
 * @throws WherryError `host-unsupported`
 */
export function callNumbers(arch: string = process.arch): CallNumbers {
  const known = numbers[arch]
  if (known !== undefined) return known
  throw new WherryError('host-unsupported', `single mode does not know the system calls of ${arch}`)
}

type Instruction = readonly [code: number, operand: number, whenTrue?: string, whenFalse?: string]

/** The filter; without a listener, changes of owners succeed without being seen. */
export function rootFilter(calls: CallNumbers, listened: boolean): Buffer {
  const owners = Object.values(calls.chown).map((nr): Instruction => [op.equals, nr, listened ? 'notify' : 'succeed'])
  return assemble([
    [op.load, archAt],
    [op.equals, calls.arch, undefined, 'allow'], // Another processor's calls (i386 on x86-64) have other numbers.
    [op.load, numberAt],
    ...owners,
    ...calls.faked.map((nr): Instruction => [op.equals, nr, 'succeed']),
    [op.equals, calls.mknodat, 'mknodat'],
    ...(calls.mknod === undefined ? [] : [[op.equals, calls.mknod, 'mknod'] as const]),
    'allow',
    [op.result, allow],
    'mknodat',
    ...deviceTest(2),
    'mknod',
    ...deviceTest(1),
    'succeed',
    [op.result, succeed],
    'notify',
    [op.result, notify],
  ])
}

/** Goes to `succeed` if the mode in this argument is that of a device, else allows: fifos and plain files are made for real. */
function deviceTest(argument: number): Instruction[] {
  return [
    [op.load, argumentAt(argument)],
    [op.and, 0o170000],
    [op.equals, 0o020000, 'succeed'],
    [op.equals, 0o060000, 'succeed'],
    [op.result, allow],
  ]
}

/** Strings are labels. A jump's distance is counted from the next instruction and fits in a byte. */
function assemble(source: readonly (Instruction | string)[]): Buffer {
  const labels = new Map<string, number>()
  const instructions: Instruction[] = []
  for (const item of source) {
    if (typeof item === 'string') labels.set(item, instructions.length)
    else instructions.push(item)
  }
  const out = Buffer.alloc(instructions.length * 8)
  instructions.forEach(([code, operand, whenTrue, whenFalse], index) => {
    const distance = (label: string | undefined): number =>
      label === undefined ? 0 : (labels.get(label) ?? 0) - index - 1
    out.writeUInt16LE(code, index * 8)
    out.writeUInt8(distance(whenTrue), index * 8 + 2)
    out.writeUInt8(distance(whenFalse), index * 8 + 3)
    out.writeUInt32LE(operand >>> 0, index * 8 + 4)
  })
  return out
}
