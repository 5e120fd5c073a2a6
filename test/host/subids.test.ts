import { expect, test } from 'vitest'
import { hasMountsBelowProc, parseIdMap } from '../../src/host/facts.ts'
import { freeRange, largestRange, parseSubIds, rangesOf } from '../../src/host/subids.ts'

const text = '# ranges\nada:100000:65536\n\n1001:300000:10\nbad\nbob:x:1\neve:5:0\nada:200000:5\n'

test('reads lines of subuid(5) and leaves out what has another form', () => {
  expect(parseSubIds(text).map(({ owner }) => owner)).toEqual(['ada', '1001', 'ada'])
})

test('finds ranges by name and by number', () => {
  expect(rangesOf(parseSubIds(text), ['ada', '1001'])).toEqual([
    { first: 100000, count: 65536 },
    { first: 300000, count: 10 },
    { first: 200000, count: 5 },
  ])
})

test('the largest range is the first of equals', () => {
  expect(
    largestRange([
      { first: 1, count: 5 },
      { first: 2, count: 5 },
      { first: 3, count: 4 },
    ])?.first,
  ).toBe(1)
  expect(largestRange([])).toBeUndefined()
})

test('a free range overlaps none that is taken, and there may be none', () => {
  expect(freeRange([{ first: 0x70000000 + 10, count: 1 }], 65536)?.first).toBe(0x70010000)
  expect(freeRange([{ first: 0, count: 0xffffffff }], 65536)).toBeUndefined()
})

test('reads uid_map', () => {
  expect(parseIdMap('         0       1000          1\n         1     100000      65536\n')).toEqual([
    { inside: 0, outside: 1000, count: 1 },
    { inside: 1, outside: 100000, count: 65536 },
  ])
})

test('sees that a container covers parts of /proc', () => {
  const line = (target: string): string => `36 35 0:3 / ${target} rw - proc proc rw\n`
  expect(hasMountsBelowProc(line('/proc') + line('/proc/sys/fs/binfmt_misc'))).toBe(false)
  expect(hasMountsBelowProc(line('/proc') + line('/proc/kcore'))).toBe(true)
})
