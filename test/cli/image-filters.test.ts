/** Filters of `wherry images`. */
import { expect, it } from 'vitest'
import { digestOf } from '../../src/core/digest.ts'
import { parseImageFilters } from '../../src/cli/image-filters.ts'
import { imageRows } from '../../src/cli/image-rows.ts'
import { imageFacts } from './image-facts.ts'

const now = Date.parse('2026-01-01T02:00:00Z')
const parts = { nowMs: now, createdOf: (query: string) => Promise.resolve(Date.parse(query)) }
const digest = digestOf('there')
const named = imageFacts(['docker.io/me/app:1'], { labels: { tier: 'front' } })
const nameless = imageFacts([])
const byDigest = imageFacts([], { repoDigests: [`docker.io/me/app@${digest}`] })

async function isShown(facts: typeof named, filters: readonly string[], name?: string): Promise<boolean> {
  const filter = await parseImageFilters(filters, name, parts)
  return filter.image(facts) && imageRows(facts, { noTrunc: false, nowMs: now }).some(filter.row)
}

it.each<[string[], string | undefined, boolean]>([
  [[], undefined, true],
  [['dangling=false'], undefined, true],
  [['dangling=true'], undefined, false],
  [['label=tier'], undefined, true],
  [['label=tier=front'], undefined, true],
  [['label=tier=back'], undefined, false],
  [['label=tier', 'label=other'], undefined, false],
  [['reference=me/*'], undefined, true],
  [['reference=me/*:1'], undefined, true],
  [['reference=*'], undefined, false],
  [['reference=me/a?p:2'], undefined, false],
  [['reference=me/[ab]pp:[0-9]'], undefined, true],
  [['reference=no', 'reference=me/app:1'], undefined, true],
  [['before=2026-01-02T00:00:00Z'], undefined, true],
  [['before=2026-01-01T00:00:00Z'], undefined, false],
  [['since=2025-12-31T00:00:00Z'], undefined, true],
  [['since=2026-01-01T00:00:00Z'], undefined, false],
  [['until=1h'], undefined, true],
  [['until=3h'], undefined, false],
  [['until=2026-01-01T01:00:00Z'], undefined, true],
  [['until=1767225601'], undefined, true],
  [['until=1767225600'], undefined, false],
  [[], 'me/app', true],
  [[], 'docker.io/me/app:1', true],
  [[], 'me/app:2', false],
])('%j %s', async (filters, name, shown) => {
  expect(await isShown(named, filters, name)).toBe(shown)
})

it('take what has no tag, but a digest, for both', async () => {
  for (const [facts, dangling, not] of [
    [nameless, true, false],
    [byDigest, true, true],
  ] as const) {
    expect(await isShown(facts, ['dangling=true'])).toBe(dangling)
    expect(await isShown(facts, ['dangling=false'])).toBe(not)
  }
  expect(await isShown(byDigest, [], `me/app@${digest}`)).toBe(true)
})

it.each(['size=1', 'dangling', 'dangling=maybe', 'until=yesterday', 'until=2026-13-45', 'reference=[a'])(
  'that nobody knows are refused: %s',
  async (filter) => {
    await expect(parseImageFilters([filter], undefined, parts)).rejects.toMatchObject({ code: 'usage' })
  },
)
