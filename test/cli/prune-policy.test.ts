/** What the options of prune come to. */
import { describe, expect, test } from 'vitest'
import { prunePolicy } from '../../src/cli/prune-policy.ts'

const day = 24 * 3600 * 1000
const now = Date.parse('2026-03-01T00:00:00Z')
const plain = { all: false, force: false, filter: [], 'keep-storage': undefined, 'dry-run': false }

describe('what is pruned', () => {
  test('is what was not used for two weeks', () => {
    expect(prunePolicy(plain, now)).toEqual({
      usedBefore: now - 14 * day,
      dryRun: false,
      mountsUsedBefore: now - 14 * day,
      imagesBefore: Infinity,
    })
  })

  test('is everything with --all', () => {
    expect(prunePolicy({ ...plain, all: true }, now)).toMatchObject({
      usedBefore: Infinity,
      mountsUsedBefore: Infinity,
    })
  })

  test.each([
    ['until=24h', now - day],
    ['until=1h30m', now - 1.5 * 3600 * 1000],
    ['until=2026-02-01T00:00:00Z', Date.parse('2026-02-01T00:00:00Z')],
    ['until=1767225600', 1_767_225_600_000],
  ])('is what is older with --filter %s, --all or not', (filter, before) => {
    for (const all of [true, false]) {
      const policy = prunePolicy({ ...plain, all, filter: [filter] }, now)
      expect(policy).toMatchObject({ usedBefore: before, mountsUsedBefore: before, imagesBefore: before })
    }
  })

  test('is as much as a size asks for, of what is old enough', () => {
    expect(prunePolicy({ ...plain, 'keep-storage': '1g' }, now)).toMatchObject({
      usedBefore: Infinity,
      keepBytes: 2 ** 30,
    })
    const both = prunePolicy({ ...plain, 'keep-storage': '1g', filter: ['until=24h'] }, now)
    expect(both).toMatchObject({ usedBefore: now - day, keepBytes: 2 ** 30 })
  })

  test.each(['label=x', 'until=', 'until=soon', 'until=2026-99-99'])('is refused with --filter %s', (filter) => {
    expect(() => prunePolicy({ ...plain, filter: [filter] }, now)).toThrow(`--filter "${filter}"`)
  })

  test('is refused with a size that is none', () => {
    expect(() => prunePolicy({ ...plain, 'keep-storage': 'much' }, now)).toThrow('--keep-storage is "much"')
  })
})
