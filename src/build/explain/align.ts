/** Which step of this build is which of the last one: by their words, then by their place. */
import type { StepNote } from './note.ts'

/** What alignment needs of a step. */
export type Alignable = Pick<StepNote, 'text' | 'kind'>

/** More pairs of steps than this are not compared one by one. */
const tableLimit = 4_000_000

/**
 * For each new step the place of the old one that it is: the longest common sequence of instructions, then equal instructions
 * elsewhere (they were moved), then instructions of the same kind between the same neighbours (they were edited).
 */
export function alignSteps(before: readonly Alignable[], after: readonly Alignable[]): ReadonlyMap<number, number> {
  const pairs = new Map<number, number>(commonSequence(before, after))
  const taken = new Set(pairs.values())
  const pair = (now: number, then: number): void => {
    pairs.set(now, then)
    taken.add(then)
  }
  const fixed = [...pairs].sort(([a], [b]) => a - b)
  for (const [now, step] of after.entries()) {
    if (pairs.has(now)) continue
    const then = before.findIndex((old, at) => !taken.has(at) && isSame(old, step))
    if (then >= 0) pair(now, then)
  }
  for (const [now, step] of after.entries()) {
    if (pairs.has(now)) continue
    const above = fixed.findLast(([at]) => at < now)?.[1] ?? -1
    const below = fixed.find(([at]) => at > now)?.[1] ?? before.length
    const then = before.findIndex((old, at) => at > above && at < below && !taken.has(at) && old.kind === step.kind)
    if (then >= 0) pair(now, then)
  }
  return pairs
}

function isSame(a: Alignable, b: Alignable): boolean {
  return a.text === b.text && a.kind === b.kind
}

/** The longest common subsequence as pairs [after, before]. */
function commonSequence(before: readonly Alignable[], after: readonly Alignable[]): [number, number][] {
  if (before.length * after.length > tableLimit) return []
  const width = after.length + 1
  const lengths = new Uint16Array((before.length + 1) * width)
  const at = (i: number, j: number): number => lengths[i * width + j]!
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      const isEqual = isSame(before[i]!, after[j]!)
      lengths[i * width + j] = isEqual ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const pairs: [number, number][] = []
  for (let i = 0, j = 0; i < before.length && j < after.length; ) {
    if (isSame(before[i]!, after[j]!)) pairs.push([j++, i++])
    else if (at(i + 1, j) >= at(i, j + 1)) i++
    else j++
  }
  return pairs
}
