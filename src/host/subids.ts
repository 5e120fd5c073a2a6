/** Which other ids a user may map: /etc/subuid and /etc/subgid (subuid(5)). */
import type { IdRange, SubIds } from './contract.ts'

/** A line of the file: whose range it is, as a name or a number in decimal. */
export interface SubIdLine extends SubIds {
  readonly owner: string
}

/** Reads the text of a subuid or subgid file; lines that are not of its form are left out, as shadow does. */
export function parseSubIds(text: string): SubIdLine[] {
  return text.split('\n').flatMap((line) => {
    const [owner, first, count] = line.trim().split(':')
    if (!owner || owner.startsWith('#') || !isNumber(first) || !isNumber(count) || Number(count) === 0) return []
    return [{ owner, first: Number(first), count: Number(count) }]
  })
}

function isNumber(text: string | undefined): text is string {
  return text !== undefined && /^\d{1,10}$/.test(text)
}

/** The ranges of the owners named, in the order of the file. */
export function rangesOf(lines: readonly SubIdLine[], owners: readonly string[]): SubIds[] {
  return lines.filter((line) => owners.includes(line.owner)).map(({ first, count }) => ({ first, count }))
}

/** How many ids images expect. */
export const usualCount = 65536

/** newuidmap's own limit is a page of text; no file has that many ranges in earnest. */
const mostRanges = 100

/** Whose ranges are looked at. */
export interface RangeOwner {
  /** The caller's own id, which is mapped by itself and cannot be mapped twice. */
  readonly own: number
  /** The ids that this process's user namespace has at all. */
  readonly idMap: readonly IdRange[]
}

/**
 * The ranges to map behind the caller's own id: the first that is large enough, else all of them until there are enough. What
 * overlaps, holds the own id or is not in this user namespace is cut away, since the kernel would refuse the whole map.
 */
export function rangesToMap(ranges: readonly SubIds[], { own, idMap }: RangeOwner): SubIds[] {
  const there = ranges.flatMap((range) =>
    idMap.flatMap(({ inside, count }) => overlap(range, { first: inside, count })),
  )
  const usable = there.reduce<SubIds[]>(
    (taken, range) => [...taken, ...[{ first: own, count: 1 }, ...taken].reduce(cutEach, [range])],
    [],
  )
  const wanted = usualCount - 1
  const enough = usable.find((range) => range.count >= wanted)
  if (enough !== undefined) return [enough]
  let missing = wanted
  const chosen = usable.slice(0, mostRanges).map(({ first, count }) => {
    const taken = Math.min(count, missing)
    missing -= taken
    return { first, count: taken }
  })
  return chosen.filter(({ count }) => count > 0)
}

function overlap(a: SubIds, b: SubIds): SubIds[] {
  const first = Math.max(a.first, b.first)
  const count = Math.min(a.first + a.count, b.first + b.count) - first
  return count > 0 ? [{ first, count }] : []
}

/** What is left of each range without `hole`. */
function cutEach(ranges: readonly SubIds[], hole: SubIds): SubIds[] {
  const end = hole.first + hole.count
  return ranges.flatMap((range) => [
    ...overlap(range, { first: 0, count: hole.first }),
    ...overlap(range, { first: end, count: 2 ** 32 - end }),
  ])
}

/** Ids that neither distributions nor systemd hand out: above systemd's containers, below 2^31 (systemd's UIDS-GIDS document). */
const unusedFirst = 0x70000000
const unusedEnd = 0x80000000

/** A range of `count` ids that overlaps none of those taken. */
export function freeRange(taken: readonly SubIds[], count: number): SubIds | undefined {
  for (let first = unusedFirst; first + count <= unusedEnd; first += count) {
    if (!taken.some((range) => range.first < first + count && first < range.first + range.count))
      return { first, count }
  }
  return undefined
}
