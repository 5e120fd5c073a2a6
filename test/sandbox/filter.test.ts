import { describe, expect, test } from 'vitest'
import { type CallGroup, type CallName, callNumbers } from '../../src/sandbox/calls.ts'
import { type Emulation, rootFilter } from '../../src/sandbox/filter.ts'

const allow = 0x7fff0000
const succeed = 0x00050000
const notify = 0x7fc00000

/** Carries out classic BPF on a struct seccomp_data, as the kernel does. */
function decide(program: Buffer, call: { arch: number; number: number; args?: readonly number[] }): number {
  const data = new DataView(new ArrayBuffer(64))
  data.setUint32(0, call.number, true)
  data.setUint32(4, call.arch, true)
  call.args?.forEach((arg, i) => data.setUint32(16 + 8 * i, arg, true))
  let accumulator = 0
  for (let at = 0; at < program.length; at += 8) {
    const code = program.readUInt16LE(at)
    const operand = program.readUInt32LE(at + 4)
    if (code === 0x20) accumulator = data.getUint32(operand, true)
    else if (code === 0x54) accumulator = (accumulator & operand) >>> 0
    else if (code === 0x15) at += 8 * program.readUInt8(at + (accumulator === operand ? 2 : 3))
    else if (code === 0x06) return operand
    else throw new Error(`unknown instruction ${code}`)
  }
  throw new Error('the program has no end')
}

describe.each(['x64', 'arm64'])('on %s', (arch) => {
  const numbers = callNumbers(arch)
  const programs = {
    root: rootFilter(numbers, 'root'),
    deaf: rootFilter(numbers, 'deaf'),
    devices: rootFilter(numbers, 'devices'),
  }
  const on = (name: CallName, emulation: Emulation = 'root', args?: readonly number[]): number | undefined => {
    const call = numbers.calls.find((known) => known.name === name)
    return call && decide(programs[emulation], { arch: numbers.arch, number: call.number, args })
  }
  const inGroup = (...groups: CallGroup[]): CallName[] =>
    numbers.calls.filter(({ group }) => groups.includes(group)).map(({ name }) => name)

  test('what tells or changes owners and ids goes to the listener', () => {
    for (const name of inGroup('chown', 'stat', 'ids', 'make', 'exec')) expect(on(name), name).toBe(notify)
  })

  test('without a listener, changes succeed and questions are for the kernel', () => {
    for (const name of inGroup('chown')) expect(on(name, 'deaf'), name).toBe(succeed)
    for (const name of inGroup('ids')) expect(on(name, 'deaf'), name).toBe(name.startsWith('set') ? succeed : allow)
    for (const name of inGroup('stat', 'make', 'exec')) expect(on(name, 'deaf'), name).toBe(allow)
  })

  test('capabilities are set in appearance only', () => {
    expect([on('capset'), on('capset', 'deaf'), on('capset', 'devices')]).toEqual([succeed, succeed, allow])
  })

  test('opening goes to the listener if it may make a file', () => {
    const create = 0o100
    expect(on('openat', 'root', [0, 0, create | 1])).toBe(notify)
    expect(on('openat', 'root', [create, create, 1])).toBe(allow)
    expect(on('openat', 'deaf', [0, 0, create])).toBe(allow)
    if (on('open') !== undefined) expect(on('open', 'root', [0, create])).toBe(notify)
  })

  test('devices are made in appearance only, fifos and files for real', () => {
    const kinds = [
      [0o020644, notify, succeed, notify],
      [0o060644, notify, succeed, notify],
      [0o010644, notify, allow, allow],
      [0o100644, notify, allow, allow],
      [0o644, notify, allow, allow],
    ] as const
    for (const [mode, ...results] of kinds) {
      const each = (['root', 'deaf', 'devices'] as const).map((emulation) => on('mknodat', emulation, [0, 0, mode]))
      expect(each).toEqual(results)
      if (on('mknod') !== undefined) expect(on('mknod', 'root', [0, mode])).toBe(results[0])
    }
  })

  test('keeping capabilities is noted, other uses of prctl are not', () => {
    expect([on('prctl', 'root', [8, 1]), on('prctl', 'root', [15, 8])]).toEqual([notify, allow])
  })

  test('of limits only the one that marks processes is answered', () => {
    expect([on('setrlimit', 'root', [10]), on('setrlimit', 'root', [7, 10])]).toEqual([notify, allow])
    expect([on('prlimit64', 'root', [0, 10]), on('prlimit64', 'root', [10, 7])]).toEqual([notify, allow])
  })

  test('where ids are real nothing but devices is stopped', () => {
    for (const name of inGroup('chown', 'stat', 'ids', 'make', 'open', 'exec', 'prctl', 'limits'))
      expect(on(name, 'devices', [8, 0o100, 0o100]), name).toBe(allow)
  })

  test('everything else, and calls of another processor, are allowed', () => {
    expect(decide(programs.root, { arch: numbers.arch, number: 0 })).toBe(allow)
    expect(decide(programs.root, { arch: 0x40000003, number: numbers.calls[0]?.number ?? -1 })).toBe(allow)
  })
})

test('refuses a processor whose numbers are unknown', () => {
  expect(() => callNumbers('s390x')).toThrow(expect.objectContaining({ code: 'host-unsupported' }))
})
