/** "Did you mean": the nearest of some known words. */

/** Edit distance of two short words; two neighbours swapped are one edit. */
function distance(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1, swapped ? before[j - 2]! + 1 : change))
    }
    before = row
    row = next
  }
  return row[b.length]!
}

/**
 * The option nearest to `word`, whatever the case: at most two edits away, and fewer than half of its letters. Undefined if there
 * is none.
 */
export function nearest(word: string, options: readonly string[]): string | undefined {
  const text = word.toLowerCase()
  // Words much longer than any option are never near one; this bounds the work.
  if (text.length > 40) return undefined
  const scored = options.map((option) => ({ option, edits: distance(text, option.toLowerCase()) }))
  const best = scored.sort((a, b) => a.edits - b.edits)[0]
  const isNear = best !== undefined && best.edits > 0 && best.edits < 3 && best.edits * 2 < best.option.length
  return isNear ? best.option : undefined
}

/** Edit distance without swaps, as BuildKit counts it. */
function plainDistance(a: string, b: string): number {
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

/**
 * The option that BuildKit suggests for a variable's name: at most two edits away, case counting. Undefined if there is none, or
 * if the word itself is an option.
 */
export function similarName(word: string, options: Iterable<string>): string | undefined {
  let best: { readonly option: string; readonly edits: number } = { option: '', edits: 3 }
  for (const option of options) {
    if (option === word) return undefined
    if (Math.abs(option.length - word.length) > 2) continue
    const edits = plainDistance(word, option)
    if (edits < best.edits) best = { option, edits }
  }
  return best.edits < 3 ? best.option : undefined
}
