/** Why steps were or were not cached, as lines: said as it goes, and once more for all of them at the end. */
import type { EventOf } from './renderer.ts'
import type { StepBook } from './steps.ts'
import { oneLine } from './text.ts'

/** Explanations of one build. */
export interface ExplainBook {
  learn(this: void, event: EventOf<'explain'>): void
  /** All of them in the Dockerfile's order; none if nobody asked. */
  summary(): string[]
}

/** An empty book. */
export function explainBook(steps: StepBook): ExplainBook {
  const ofBuild: string[] = []
  const bySteps = new Map<string, EventOf<'explain'>>()
  return {
    learn(event) {
      if (event.id === undefined) ofBuild.push(...explainLines(event))
      else bySteps.set(event.id, event)
    },
    summary() {
      if (ofBuild.length === 0 && bySteps.size === 0) return []
      const told = steps.all().flatMap((step) => {
        const event = bySteps.get(step.id)
        if (event === undefined) return []
        const head = `  ${event.outcome ?? ''}  ${steps.label(step.id)} ${steps.text(step.id)}`
        return [head, ...explainLines(event).map((line) => `          ${line}`)]
      })
      return ['why steps were or were not cached:', ...ofBuild.map((line) => `  ${line}`), ...told]
    },
  }
}

/** Each reason on a line. */
export function explainLines(event: EventOf<'explain'>): string[] {
  return event.reasons.map((reason) => oneLine(reason.text))
}
