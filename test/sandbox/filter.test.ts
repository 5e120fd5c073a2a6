import { describe, expect, test } from 'vitest'
import { type CallNumbers, callNumbers, rootFilter } from '../../src/sandbox/filter.ts'

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
  const calls: CallNumbers = callNumbers(arch)
  const program = rootFilter(calls, true)
  const on = (number: number, args?: readonly number[]): number => decide(program, { arch: calls.arch, number, args })

  test('changes of owners go to the listener', () => {
    for (const number of Object.values(calls.chown)) expect(on(number)).toBe(notify)
  })

  test('without a listener they succeed', () => {
    const deaf = rootFilter(calls, false)
    for (const number of Object.values(calls.chown))
      expect(decide(deaf, { arch: calls.arch, number: number })).toBe(succeed)
  })

  test('changes of ids succeed', () => {
    for (const number of calls.faked) expect(on(number)).toBe(succeed)
  })

  test('devices are made in appearance only, fifos and files for real', () => {
    const kinds = [
      [0o020644, succeed],
      [0o060644, succeed],
      [0o010644, allow],
      [0o100644, allow],
      [0o644, allow],
    ] as const
    for (const [mode, result] of kinds) {
      expect(on(calls.mknodat, [0, 0, mode])).toBe(result)
      if (calls.mknod !== undefined) expect(on(calls.mknod, [0, mode])).toBe(result)
    }
  })

  test('everything else, and calls of another processor, are allowed', () => {
    expect(on(0)).toBe(allow)
    expect(decide(program, { arch: 0x40000003, number: calls.chown.fchown })).toBe(allow)
  })
})

test('refuses a processor whose numbers are unknown', () => {
  expect(() => callNumbers('s390x')).toThrow(expect.objectContaining({ code: 'host-unsupported' }))
})
