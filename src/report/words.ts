/** Sentences that several forms of the report share. */
import { humanDuration } from '../ui/human.ts'
import type { BuildReport, StepReport, TransferReport } from './contract.ts'
import { shownText } from './names.ts'

/** What a build comes to. */
export interface BuildWords {
  /** `12.4s` */
  readonly took: string
  /** `3 steps run, 4 cached` */
  readonly steps: string
  /** `20.1s of work, 1.6 steps at once`; '' if nothing ran. */
  readonly work: string
}

/** A build in a few words. */
export function buildWords({ steps, duration, busy }: Pick<BuildReport, 'steps' | 'duration' | 'busy'>): BuildWords {
  const made = steps.filter(({ makesLayer }) => makesLayer)
  const cached = made.filter(({ outcome }) => outcome === 'cached').length
  const ran = made.filter(({ outcome }) => outcome !== 'cached' && outcome !== 'silent').length
  const span = spanOf(steps)
  return {
    took: humanDuration(duration),
    steps: `${ran} ${ran === 1 ? 'step' : 'steps'} run, ${cached} cached`,
    work: span === 0 ? '' : `${humanDuration(busy)} of work, ${(busy / span).toFixed(1)} steps at once`,
  }
}

/** Time in which at least one step ran. */
function spanOf(steps: readonly StepReport[]): number {
  const spans = steps
    .filter(({ outcome }) => outcome !== 'cached' && outcome !== 'silent')
    .map(({ start = 0, end = 0 }) => [start, end] as const)
    .sort((a, b) => a[0] - b[0])
  let until = 0
  return spans.reduce((sum, [start, end]) => {
    const from = Math.max(until, start)
    until = Math.max(until, end)
    return sum + Math.max(0, end - from)
  }, 0)
}

/** How long a step could have run but did not; 0 below what can be told apart. */
export function waitedOf({ start, ready }: Pick<StepReport, 'start' | 'ready'>): number {
  const waited = start === undefined || ready === undefined ? 0 : start - ready
  return waited < 100 ? 0 : waited
}

/** A moment as `2026-01-31 15:45 UTC`; what is no time as it is. */
export function dateText(time: string): string {
  const at = Date.parse(time)
  return Number.isNaN(at) ? time : `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** What a transfer did. */
export function transferText({ kind, subject }: Pick<TransferReport, 'kind' | 'subject'>): string {
  return `${kind} ${subject}`.trim()
}

/** A stage's name; one without is called by its number. */
export function stageText(name: string): string {
  return /^\d+$/.test(name) ? `stage ${name}` : shownText(name)
}
