/**
 * The seccomp filter that lets a process believe that it is root and may have any id, as bytes of classic BPF (seccomp(2)).
 * Most of what it stops goes to a listener. Pure.
 */
import type { CallGroup, CallName, CallNumbers } from './calls.ts'

const op = { load: 0x20, equals: 0x15, and: 0x54, result: 0x06 } as const
const allow = 0x7fff0000
const succeed = 0x00050000 // SECCOMP_RET_ERRNO with errno 0
const notify = 0x7fc00000

/** Offsets in struct seccomp_data. */
const numberAt = 0
const archAt = 4
const argumentAt = (index: number): number => 16 + 8 * index

const createFlag = 0o100
const setKeepCapabilities = 8 // PR_SET_KEEPCAPS
const markedLimit = 10 // RLIMIT_LOCKS, `markProcess` in host/remote.ts

/**
 * What is emulated. `root`: single mode, owners and ids are remembered. `deaf`: the same without a listener, nothing is
 * remembered. `devices`: ids are real, and only devices are made in appearance.
 */
export type Emulation = 'root' | 'deaf' | 'devices'

/** Where a call of each group goes: a label, or undefined if it is left alone. */
const targets: Readonly<Record<Emulation, Partial<Record<CallGroup, string>>>> = {
  root: {
    ...{ chown: 'notify', stat: 'notify', ids: 'notify', make: 'notify', open: 'open' },
    ...{ mknod: 'mknod', prctl: 'prctl', limits: 'limits', exec: 'notify', fake: 'succeed' },
  },
  deaf: { chown: 'succeed', ids: 'setters', mknod: 'mknod', fake: 'succeed' },
  devices: { mknod: 'mknod' },
}

type Instruction = readonly [code: number, operand: number, whenTrue?: string, whenFalse?: string]

/** The filter for the calls of a processor. */
export function rootFilter({ arch, calls }: CallNumbers, emulation: Emulation): Buffer {
  const wanted = targets[emulation]
  const tests: Instruction[] = []
  const checks: (Instruction | string)[] = []
  for (const { name, group, number } of calls) {
    const target = wanted[group]
    if (target === undefined || (target === 'setters' && !name.startsWith('set'))) continue
    const check = checkOf(target, testedArgument(name), emulation)
    tests.push([op.equals, number, check !== undefined ? name : target === 'setters' ? 'succeed' : target])
    if (check !== undefined) checks.push(name, ...check)
  }
  return assemble([
    [op.load, archAt],
    [op.equals, arch, undefined, 'allow'], // Another processor's calls (i386 on x86-64) have other numbers.
    [op.load, numberAt],
    ...tests,
    'allow',
    [op.result, allow],
    ...checks,
    'succeed',
    [op.result, succeed],
    'notify',
    [op.result, notify],
  ])
}

/** The argument that has the flags, the mode or the limit. */
function testedArgument(name: CallName): number {
  if (name === 'getrlimit' || name === 'setrlimit') return 0
  return name.endsWith('at') ? 2 : 1
}

/** What a call's arguments are tested for, if that matters; `argument` is the index of its flags or mode. */
function checkOf(target: string, argument: number, emulation: Emulation): Instruction[] | undefined {
  if (target === 'open') return creationTest(argument)
  if (target === 'mknod') return nodeTest(argument, emulation)
  if (target === 'prctl') return equalityTest(0, setKeepCapabilities)
  return target === 'limits' ? equalityTest(argument, markedLimit) : undefined
}

/** To the listener if an argument has this value. */
function equalityTest(argument: number, value: number): Instruction[] {
  return [
    [op.load, argumentAt(argument)],
    [op.equals, value, 'notify'],
    [op.result, allow],
  ]
}

/** To the listener if the flags in this argument ask for a file to be made. */
function creationTest(argument: number): Instruction[] {
  return [
    [op.load, argumentAt(argument)],
    [op.and, createFlag],
    [op.equals, createFlag, 'notify'],
    [op.result, allow],
  ]
}

/** Devices are made in appearance. Fifos and plain files are made for real, but to the listener they may have another owner. */
function nodeTest(argument: number, emulation: Emulation): Instruction[] {
  const target = emulation === 'deaf' ? 'succeed' : 'notify'
  return [
    [op.load, argumentAt(argument)],
    [op.and, 0o170000],
    [op.equals, 0o020000, target],
    [op.equals, 0o060000, target],
    [op.result, emulation === 'root' ? notify : allow],
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
