/** A build as a note: what is known of its steps by now. */
import type { Digest } from '../../core/digest.ts'
import type { Plan, Step, TreeRef } from '../../plan/contract.ts'
import { definitionOf } from '../../plan/definition.ts'
import { treeOfMount } from '../../plan/reach.ts'
import { stackKey } from '../keys.ts'
import { type InputNote, type StepNote, shortDigest } from './note.ts'

/** What the engine found of a step. */
export interface StepFacts {
  readonly key: Digest
  /** What it copies from a context. */
  readonly selection?: Digest
}

/** What describing takes. */
export interface Describing {
  readonly plan: Pick<Plan, 'steps' | 'lines'>
  readonly facts: ReadonlyMap<Digest, StepFacts>
  readonly made: ReadonlySet<Digest>
}

/** The steps of a plan as notes, in the plan's order: inputs before their users. */
export function describeSteps({ plan, facts, made }: Describing): StepNote[] {
  const labels = labelsOf(plan)
  const places = new Map([...plan.steps.keys()].map((id, place) => [id, place]))
  return [...plan.steps].map(([id, step]) => {
    const { key, selection } = facts.get(id) ?? {}
    return {
      ...partsOf(step),
      label: labels.get(id) ?? '',
      text: step.text,
      kind: step.kind,
      inputs: inputNotes(step, places),
      ...(key === undefined ? {} : { key }),
      ...(selection === undefined ? {} : { selection }),
      made: made.has(id),
    }
  })
}

/** As progress labels them: `[2/7]`, with the stage where there are several. */
function labelsOf({ lines }: Pick<Plan, 'lines'>): Map<Digest, string> {
  const isStaged = new Set(lines.map((line) => line.stage)).size > 1
  const labels = new Map<Digest, string>()
  for (const { step, stage, ordinal, total } of lines) {
    if (step !== undefined && !labels.has(step)) labels.set(step, `[${isStaged ? `${stage} ` : ''}${ordinal}/${total}]`)
  }
  return labels
}

/** The definition in parts, none of them in clear: a build arg may hold what nobody else is to read. */
function partsOf(step: Step): Pick<StepNote, 'fields' | 'env'> {
  const { env = [], ...rest } = definitionOf(step) as Readonly<Record<string, unknown>> & { env?: readonly string[] }
  const known = Object.entries(rest).filter(([, value]) => value !== undefined)
  return {
    fields: Object.fromEntries(known.map(([name, value]) => [name, shortDigest(value)])),
    env: Object.fromEntries(
      env.map((line) => {
        const equals = line.indexOf('=')
        return [line.slice(0, equals), shortDigest(line.slice(equals + 1))]
      }),
    ),
  }
}

function inputNotes(step: Step, places: ReadonlyMap<Digest, number>): InputNote[] {
  const notes = treeNotes('input', step.input, places)
  if (step.kind === 'copy' && step.from.kind === 'tree') notes.push(...treeNotes('from', step.from.tree, places))
  if (step.kind !== 'run') return notes
  for (const mount of step.mounts) {
    const tree = treeOfMount(mount)
    if (tree !== undefined) notes.push(...treeNotes(`mount ${mount.target ?? ''}`, tree, places))
  }
  return notes
}

function treeNotes(role: string, tree: TreeRef, places: ReadonlyMap<Digest, number>): InputNote[] {
  if (tree.kind === 'base') return [{ role, base: stackKey(tree.diffIds) }]
  const below = tree.kind === 'stacked' ? treeNotes(role, tree.below, places) : []
  return [...below, { role, step: places.get(tree.id) }]
}
