/** What renderers remember of a build's steps to label the events that only carry an id. */
import type { BuildEvent, StepLine } from '../core/events.ts'
import { oneLine } from './text.ts'

/** Looks up steps by id. */
export interface StepBook {
  /** Takes the `plan` event. */
  learn(event: Extract<BuildEvent, { type: 'plan' }>): void
  get(id: string): StepLine | undefined
  /** All steps in the Dockerfile's order. */
  all(): readonly StepLine[]
  /** Notes that a step has had an event. */
  seen(id: string): void
  /**
   * Lines that have had no event and were not given out yet. Before a step they are the config-only instructions above it in its
   * stage, which have none; other steps there are still to be heard of. Before the end they are all.
   */
  takeSilent(before?: string): readonly StepLine[]
  /** `[2/7]`, or `[build 2/7]` when the build has several stages. */
  label(id: string): string
  /** The instruction on one line. */
  text(id: string): string
}

/** An empty book. */
export function stepBook(): StepBook {
  const steps = new Map<string, StepLine>()
  const known = new Set<string>()
  let manyStages = false
  return {
    learn(event) {
      for (const step of event.steps) steps.set(step.id, step)
      manyStages = new Set(event.steps.map((step) => step.stage)).size > 1
    },
    get: (id) => steps.get(id),
    all: () => [...steps.values()].sort((a, b) => a.ordinal - b.ordinal),
    seen: (id) => void known.add(id),
    takeSilent(before) {
      const limit = before === undefined ? undefined : steps.get(before)
      const isBefore = (step: StepLine): boolean =>
        before === undefined || (!step.makesLayer && step.stage === limit?.stage && step.ordinal < limit.ordinal)
      const silent = [...steps.values()].filter((step) => !known.has(step.id) && isBefore(step))
      for (const step of silent) known.add(step.id)
      return silent.sort((a, b) => a.ordinal - b.ordinal)
    },
    label(id) {
      const step = steps.get(id)
      if (step === undefined) return `[${id}]`
      return `[${manyStages ? `${step.stage} ` : ''}${step.ordinal}/${step.total}]`
    },
    text: (id) => oneLine(steps.get(id)?.text ?? ''),
  }
}
