/** Which other ids a user may map: /etc/subuid and /etc/subgid (subuid(5)). */
import type { SubIds } from './contract.ts'

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

/** The largest range, the first of equals; undefined if there is none. */
export function largestRange(ranges: readonly SubIds[]): SubIds | undefined {
  return ranges.reduce<SubIds | undefined>(
    (best, range) => (best && best.count >= range.count ? best : range),
    undefined,
  )
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
