import { expect, test } from 'vitest'
import { hasMountsBelowProc, parseIdMap } from '../../src/host/facts.ts'
import type { IdRange, SubIds } from '../../src/host/contract.ts'
import { freeRange, parseSubIds, rangesOf, rangesToMap } from '../../src/host/subids.ts'

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

const everything = [{ inside: 0, outside: 0, count: 2 ** 32 - 1 }]
const range = (first: number, count: number): SubIds => ({ first, count })
const odd: readonly (readonly [what: string, ranges: SubIds[], mapped: SubIds[], idMap: IdRange[]])[] = [
  ['one that is enough', [range(100000, 65536)], [range(100000, 65536)], everything],
  [
    'the first that is enough',
    [range(7, 5), range(100000, 65536), range(300000, 70000)],
    [range(100000, 65536)],
    everything,
  ],
  ['none', [], [], everything],
  [
    'many small ones',
    [range(1, 999), range(2000, 64000), range(9, 9)],
    [range(1, 999), range(2000, 64000)],
    everything,
  ],
  [
    'no more than images expect',
    [range(2000, 65000), range(70000, 65000)],
    [range(2000, 65000), range(70000, 535)],
    everything,
  ],
  ['those around the own id', [range(500, 1000)], [range(500, 500), range(1001, 499)], everything],
  ['what does not overlap', [range(2000, 10), range(2005, 10)], [range(2000, 10), range(2010, 5)], everything],
  [
    'what the namespace has',
    [range(2000, 100000), range(200000, 65536)],
    [range(2000, 63536)],
    [{ inside: 0, outside: 1 << 20, count: 65536 }],
  ],
]

test.each(odd)('ranges to map: %s', (_what, ranges, mapped, idMap) => {
  expect(rangesToMap(ranges, { own: 1000, idMap })).toEqual(mapped)
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
