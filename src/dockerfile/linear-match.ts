/** Matching in time that grows with pattern times text, whatever the two are: all places of the pattern at once, no backtracking. */

/** A part of a pattern. */
export type Part =
  /** One character. */
  | { readonly kind: 'one'; readonly takes: (char: string) => boolean }
  /** Any number of characters. */
  | { readonly kind: 'many'; readonly takes: (char: string) => boolean }
  /** Nothing, or anything on one line that ends in a slash. */
  | { readonly kind: 'folders' }
  /** No character: something that must hold between two. */
  | { readonly kind: 'between'; readonly holds: (before: string | undefined, after: string | undefined) => boolean }

/** True if the parts, one behind the other, match from the text's start. */
export function matchesFromStart(parts: readonly Part[], text: string): boolean {
  const chars = Array.from(text)
  let active = reach(parts, { from: [0], before: undefined, after: chars[0] })
  for (const [i, char] of chars.entries()) {
    if (active.has(parts.length)) return true
    if (active.size === 0) return false
    active = reach(parts, { from: step(parts, active, char), before: char, after: chars[i + 1] })
  }
  return active.has(parts.length)
}

/** Inside the folders that the part at a place stands for: they must end in a slash, so nothing is skipped from here. */
const inside = (at: number): number => -1 - at

/** The places that a character leads to. */
function step(parts: readonly Part[], active: ReadonlySet<number>, char: string): number[] {
  const next: number[] = []
  for (const place of active) {
    const at = place < 0 ? -1 - place : place
    const part = parts[at]
    if (part?.kind === 'one' && part.takes(char)) next.push(at + 1)
    else if (part?.kind === 'many' && part.takes(char)) next.push(at)
    else if (part?.kind === 'folders' && char !== '\n')
      next.push(...(char === '/' ? [inside(at), at + 1] : [inside(at)]))
  }
  return next
}

/** Places, and those that are reached from them without a character. */
function reach(
  parts: readonly Part[],
  { from, before, after }: { from: readonly number[]; before: string | undefined; after: string | undefined },
): Set<number> {
  const reached = new Set<number>()
  for (const start of from) {
    if (start < 0) reached.add(start)
    for (let at = start; at >= 0 && !reached.has(at); at++) {
      const part = parts[at]
      if (part?.kind === 'between' && !part.holds(before, after)) break
      reached.add(at)
      if (part === undefined || part.kind === 'one') break
    }
  }
  return reached
}
