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

/** More edits than a suggestion may have. */
const tooFar = 3

/** Edit distance without swaps, as BuildKit counts it, up to `tooFar`. */
function nearDistance(a: string, b: string): number {
  let start = 0
  let ends = [a.length, b.length] as const
  while (start < ends[0] && start < ends[1] && a[start] === b[start]) start++
  while (ends[0] > start && ends[1] > start && a[ends[0] - 1] === b[ends[1] - 1]) ends = [ends[0] - 1, ends[1] - 1]
  return editsOf(a.slice(start, ends[0]), b.slice(start, ends[1]), tooFar)
}

/** The same for words that differ in their first letters, up to `most`: each edit there is in turn tried. */
function editsOf(a: string, b: string, most: number): number {
  if (most === 0 || a === b) return 0
  if (a === '' || b === '') return Math.min(a.length + b.length, most)
  if (a[0] === b[0]) return editsOf(a.slice(1), b.slice(1), most)
  const rest = most - 1
  const [c, d] = [a.slice(1), b.slice(1)]
  return 1 + Math.min(editsOf(c, d, rest), editsOf(c, b, rest), editsOf(a, d, rest))
}

/** Names and their number beyond which nobody mistypes them; they bound the work. */
const longestName = 64
const mostNames = 200

/**
 * The option that BuildKit suggests for a variable's name: at most two edits away, case counting. Undefined if there is none, or
 * if the word itself is an option.
 */
export function similarName(word: string, options: Iterable<string>): string | undefined {
  let best: { readonly option: string; readonly edits: number } = { option: '', edits: tooFar }
  let left = mostNames
  for (const option of options) {
    if (option === word) return undefined
    if (word.length > longestName || Math.abs(option.length - word.length) >= tooFar) continue
    if (left-- === 0) break
    const edits = nearDistance(word, option)
    if (edits < best.edits) best = { option, edits }
  }
  return best.edits < tooFar ? best.option : undefined
}
