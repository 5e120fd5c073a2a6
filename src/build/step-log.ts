/** Events of steps: which display lines a step stands for, when it started, what it printed, how it ended. */
import type { Digest } from '../core/digest.ts'
import { isCancelled } from '../core/errors.ts'
import type { BuildEvent } from '../core/events.ts'
import type { Plan, Step } from '../plan/contract.ts'
import type { Lookup, Session, StepResult } from './engine.ts'

/** Reports steps. */
export interface StepLog {
  cached(step: Step, result: StepResult, lookup: Lookup): Promise<StepResult>
  /** A step whose result was not needed: what uses it is cached. */
  skipped(step: Step): void
  running(step: Step, lookup: Lookup, work: (output: StepLog['output']) => Promise<StepResult>): Promise<StepResult>
  /** Reports what a step prints. */
  output(this: void, stream: 'stdout' | 'stderr', text: string): void
}

/** A log for a plan's steps. A step that several lines share is reported on each. */
export function stepLog(
  plan: Pick<Plan, 'lines'>,
  { scope, watch }: Pick<Session, 'scope' | 'watch'>,
): Omit<StepLog, 'output'> {
  const lines = new Map<Digest, string[]>()
  for (const line of plan.lines) {
    if (line.step !== undefined) lines.set(line.step, [...(lines.get(line.step) ?? []), line.id])
  }
  const each = (step: Step, event: (id: string) => BuildEvent): void => {
    for (const id of lines.get(step.id) ?? []) scope.emit(event(id))
  }
  const finish = (step: Step, started: number, end: Pick<Finished, 'outcome' | 'digest'>): void =>
    each(step, (id) => ({ type: 'step-finished', id, durationMs: Math.round(performance.now() - started), ...end }))
  return {
    skipped: (step) => finish(step, performance.now(), { outcome: 'cached' }),
    cached: async (step, result, lookup) => {
      await watch?.looked(step, lookup)
      watch?.made(step, result)
      finish(step, performance.now(), { outcome: 'cached', digest: result.diffId })
      return result
    },
    running: async (step, lookup, work) => {
      await watch?.looked(step, lookup)
      const started = performance.now()
      each(step, (id) => ({ type: 'step-started', id }))
      try {
        const result = await work((stream, text) => each(step, (id) => ({ type: 'step-output', id, stream, text })))
        watch?.made(step, result)
        finish(step, started, { outcome: 'done', digest: result.diffId })
        return result
      } catch (error) {
        finish(step, started, { outcome: isCancelled(error) ? 'cancelled' : 'failed' })
        throw error
      }
    },
  }
}

type Finished = Extract<BuildEvent, { type: 'step-finished' }>
