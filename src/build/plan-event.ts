/** What a plan tells of itself: its lines with what each needs, and its stages with what each uses. */
import type { Digest } from '../core/digest.ts'
import type { BuildEvent, StageLine, StepLine } from '../core/events.ts'
import { formatPlatform, type Platform } from '../oci/platform.ts'
import type { Plan, PlannedLine, Step, TreeRef } from '../plan/contract.ts'
import { inputsOf } from '../plan/reach.ts'

/** The event for a plan, of several platforms merged. */
export function planEvent(
  plan: Pick<Plan, 'steps' | 'lines'>,
  stages: readonly StageLine[],
): Extract<BuildEvent, { type: 'plan' }> {
  const linesOf = new Map<Digest, PlannedLine[]>()
  for (const line of plan.lines) {
    if (line.step !== undefined) linesOf.set(line.step, [...(linesOf.get(line.step) ?? []), line])
  }
  const needs = (line: PlannedLine): string[] => {
    const step = line.step === undefined ? undefined : plan.steps.get(line.step)
    const ids = step === undefined ? [] : inputsOf(step).flatMap((tree) => stepsOf(tree, plan.steps))
    // A step that several lines share is met in the line's own stage, if it is there too.
    return [...new Set(ids)].flatMap((id) => {
      const lines = linesOf.get(id) ?? []
      return (lines.find(({ stage }) => stage === line.stage) ?? lines[0])?.id ?? []
    })
  }
  const lineOf = (line: PlannedLine): StepLine => {
    const { step: _step, ...shown } = line
    const needed = needs(line)
    return needed.length === 0 ? shown : { ...shown, needs: needed }
  }
  return { type: 'plan', steps: plan.lines.map(lineOf), stages }
}

/** The steps whose results make a tree what it is: the last one, or of a stacked one both. */
function stepsOf(tree: TreeRef, steps: ReadonlyMap<Digest, Step>): Digest[] {
  const found: Digest[] = []
  for (let at = tree; at.kind !== 'base'; at = at.below) {
    if (steps.has(at.id)) found.push(at.id)
    if (at.kind === 'step') break
  }
  return found
}

/** The stages of the plans, named as their lines are. */
export function stagesOf(plans: readonly Plan[], platforms: readonly Platform[]): StageLine[] {
  return plans.flatMap((plan, i) => {
    const prefix = plans.length === 1 ? '' : `${formatPlatform(platforms[i]!)} `
    const names = new Map(plan.stages.map(({ index }) => [index, `${prefix}${stageName(plan, index)}`]))
    return plan.stages.map(({ index, from, uses }) => {
      const used = uses.flatMap((other) => names.get(other) ?? [])
      const name = names.get(index)!
      const isStage = used.includes(`${prefix}${from.base.toLowerCase()}`)
      return {
        name,
        base: isStage ? `${prefix}${from.base.toLowerCase()}` : from.base,
        uses: used,
        images: imagesOf(plan, index),
        isTarget: index === plan.targetStage,
      }
    })
  })
}

function stageName({ lines }: Plan, index: number): string {
  return lines.find(({ id }) => id === `s${index}.0`)?.stage ?? String(index)
}

/** Images that a stage's COPY lines name. */
function imagesOf(plan: Plan, index: number): string[] {
  const stages = new Set(plan.stages.flatMap((stage) => [String(stage.index), stageName(plan, stage.index)]))
  const named = plan.lines.flatMap(({ id, step }) => {
    const made = step === undefined || !id.startsWith(`s${index}.`) ? undefined : plan.steps.get(step)
    return made?.kind === 'copy' && made.from.kind === 'tree' ? [made.from.name] : []
  })
  return [...new Set(named)].filter((name) => !stages.has(name.toLowerCase()))
}
