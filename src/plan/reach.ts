/** Which steps a tree needs. */
import type { Digest } from '../core/digest.ts'
import type { Step, TreeRef } from './contract.ts'

/** The trees that a step reads: what it changes, and what it copies from. */
export function inputsOf(step: Step): TreeRef[] {
  return step.kind === 'copy' && step.from.kind === 'tree' ? [step.input, step.from.tree] : [step.input]
}

/** The steps that `tree` is made by, inputs before their users. */
export function reachableSteps(all: ReadonlyMap<Digest, Step>, tree: TreeRef): Map<Digest, Step> {
  const reached = new Map<Digest, Step>()
  const visit = (ref: TreeRef): void => {
    if (ref.kind === 'base' || reached.has(ref.id)) return
    const step = all.get(ref.id)!
    for (const input of inputsOf(step)) visit(input)
    reached.set(ref.id, step)
  }
  visit(tree)
  return reached
}
