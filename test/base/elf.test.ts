/** Reads real programs and hand-made headers. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { readElf } from '../../src/base/elf.ts'
import { type ElfSpec, elf } from './make-elf.ts'

const dir = mkdtempSync(join(tmpdir(), 'wherry-elf-'))
afterAll(() => rmSync(dir, { recursive: true }))

function read(data: Uint8Array): ReturnType<typeof readElf> {
  writeFileSync(join(dir, 'file'), data)
  return readElf(join(dir, 'file'))
}

test("node's own program asks for the C library and, on glibc and musl, for a loader", () => {
  const info = readElf(process.execPath)
  expect(info?.needed.some((name) => name.startsWith('libc.'))).toBe(true)
  expect(info?.interpreter).toMatch(/^\/lib.*ld-/)
})

test.each([
  ['64 bits, little endian', { wide: true, little: true }],
  ['64 bits, big endian', { wide: true, little: false }],
  ['32 bits, little endian', { wide: false, little: true }],
  ['32 bits, big endian', { wide: false, little: false }],
])('%s: interpreter, libraries and search paths', (_name, shape) => {
  const spec: ElfSpec = {
    ...shape,
    machine: 62,
    interpreter: '/lib/ld.so.1',
    needed: ['liba.so', 'libb.so.2'],
    rpath: '/r:/s',
    runpath: '$ORIGIN/../lib',
  }
  expect(read(elf(spec))).toEqual({
    abi: `${shape.wide ? 64 : 32}${shape.little ? 'le' : 'be'}-62`,
    interpreter: '/lib/ld.so.1',
    needed: ['liba.so', 'libb.so.2'],
    rpath: ['/r', '/s'],
    runpath: ['$ORIGIN/../lib'],
  })
})

test('a static program needs nothing', () => {
  const info = read(elf({ wide: true, little: true, machine: 62, needed: [] }))
  expect(info).toMatchObject({ interpreter: undefined, needed: [] })
})

test('what is no ELF file is none', () => {
  expect(read(Buffer.from('#!/bin/sh\n'.repeat(20)))).toBeUndefined()
  expect(read(Buffer.alloc(0))).toBeUndefined()
})

test('damaged headers never throw and never read without bound', () => {
  const good = elf({ wide: true, little: true, machine: 62, interpreter: '/lib/ld.so.1', needed: ['liba.so'] })
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, value, length) => {
      const bad = Buffer.from(good)
      bad[at] = value
      read(bad)
      read(bad.subarray(0, length))
    }),
    { numRuns: 300 },
  )
})
