/** Which steps a tree needs. */
import type { Digest } from '../core/digest.ts'
import type { RunMount, Step, StepDraft, TreeRef } from './contract.ts'

/** The tree behind a mount, if it has one. */
export function treeOfMount(mount: RunMount): TreeRef | undefined {
  if (mount.type === 'bind') return mount.tree
  return mount.type === 'cache' ? mount.seed : undefined
}

/** The trees that a step reads: what it changes, and what it copies from or mounts. */
export function inputsOf(step: StepDraft): TreeRef[] {
  if (step.kind === 'copy' && step.from.kind === 'tree') return [step.input, step.from.tree]
  if (step.kind === 'run') return [step.input, ...step.mounts.flatMap((mount) => treeOfMount(mount) ?? [])]
  return [step.input]
}

/** The steps that `tree` is made by, inputs before their users. */
export function reachableSteps(all: ReadonlyMap<Digest, Step>, tree: TreeRef): Map<Digest, Step> {
  const reached = new Map<Digest, Step>()
  const opened = new Set<TreeRef | Digest>()
  // Not by recursion: a Dockerfile may have more steps than a stack has room for.
  const pending: (TreeRef | Step)[] = [tree]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (!isTree(next)) reached.set(next.id, next)
    else if (next.kind !== 'base' && !opened.has(next.kind === 'step' ? next.id : next)) {
      opened.add(next.kind === 'step' ? next.id : next)
      if (next.kind === 'stacked') pending.push({ kind: 'step', id: next.id }, next.below)
      else {
        const step = all.get(next.id)!
        pending.push(step, ...inputsOf(step).reverse())
      }
    }
  }
  return reached
}

function isTree(value: TreeRef | Step): value is TreeRef {
  return value.kind === 'base' || value.kind === 'step' || value.kind === 'stacked'
}

/**
 * The steps that are `fresh`, and those with such a step behind them: their definition is what it was, but not what they read.
 * `steps` has inputs before their users.
 */
export function renewedSteps(steps: ReadonlyMap<Digest, Step>): ReadonlySet<Digest> {
  const renewed = new Set<Digest>()
  const isRenewed = (tree: TreeRef): boolean => {
    if (tree.kind === 'base') return false
    return renewed.has(tree.id) || (tree.kind === 'stacked' && isRenewed(tree.below))
  }
  for (const step of steps.values()) if (step.fresh || inputsOf(step).some(isRenewed)) renewed.add(step.id)
  return renewed
}
