/** "Did you mean": the nearest of some known words. */

/** Edit distance (Levenshtein) of two short words. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}

/** The option nearest to `word`, at most two edits away, in lower case; undefined if there is none. */
export function nearest(word: string, options: readonly string[]): string | undefined {
  const text = word.toLowerCase()
  // Words much longer than any option are never within two edits; this bounds the work.
  if (text.length > 40) return undefined
  const scored = options.map((option) => ({ option, distance: distance(text, option.toLowerCase()) }))
  const best = scored.sort((a, b) => a.distance - b.distance)[0]
  return best !== undefined && best.distance < 3 && best.distance > 0 ? best.option : undefined
}
