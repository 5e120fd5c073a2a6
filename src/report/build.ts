/** A build's recorded events -> its part of the report: when each step could have begun, when it did, and what decided the end. */
import type { BuildRecord, TimedEvent } from '../core/build-record.ts'
import type { Digest } from '../core/digest.ts'
import type { BuildEvent, StageLine, StepLine } from '../core/events.ts'
import type { BuildReport, StageReport, StepOutcome, StepReport, TransferReport } from './contract.ts'

type Of<T extends BuildEvent['type']> = Extract<BuildEvent, { type: T }>

/** The report of a build; `id` is its record's. */
export function buildReport({ startedAt, events }: BuildRecord, id?: string): BuildReport {
  const of = <T extends BuildEvent['type']>(type: T): (readonly [number, Of<T>])[] =>
    events.filter((timed): timed is readonly [number, Of<T>] => timed[1].type === type)
  const begin = of('build-started')[0]?.[1]
  const [planned = 0, plan] = of('plan')[0] ?? []
  const end = of('build-finished').at(-1)
  const steps = stepReports(plan?.steps ?? [], { events, planned })
  return {
    ...(id !== undefined && { id }),
    startedAt,
    dockerfile: begin?.dockerfile ?? '',
    context: begin?.context ?? '',
    outcome: end?.[1].outcome ?? 'cancelled',
    duration: end?.[0] ?? events.at(-1)?.[0] ?? 0,
    stages: (plan?.stages ?? []).map((stage) => stageReport(stage, steps)),
    steps,
    transfers: transferReports(events),
    busy: busyTime(steps),
    images: [...new Set(of('image').map(([, { id: image }]): Digest => image))],
  }
}

interface Times {
  start?: number
  end?: number
  outcome?: StepOutcome
  digest?: Digest
}

interface Timeline {
  readonly events: readonly TimedEvent[]
  /** When the plan was made. */
  readonly planned: number
}

function stepReports(lines: readonly StepLine[], timeline: Timeline): StepReport[] {
  const times = stepTimes(timeline.events)
  const needsOf = new Map(lines.map(({ id, needs }) => [id, needs ?? []]))
  const readyAt = (id: string): number =>
    Math.max(timeline.planned, ...(needsOf.get(id) ?? []).map((need) => times.get(need)?.end ?? 0))
  const critical = criticalSteps(times, needsOf)
  return lines.map(({ id, stage, ordinal, text, makesLayer }) => {
    const { start, end, outcome = 'silent', digest } = times.get(id) ?? {}
    const hasRun = outcome !== 'silent' && outcome !== 'cached' && start !== undefined
    return {
      id,
      stage,
      ordinal,
      text,
      makesLayer,
      outcome,
      ...(start !== undefined && { start }),
      ...(end !== undefined && { end }),
      ...(hasRun && { ready: Math.min(readyAt(id), start) }),
      ...(digest !== undefined && { digest }),
      needs: needsOf.get(id) ?? [],
      isCritical: critical.has(id),
    }
  })
}

function stepTimes(events: readonly TimedEvent[]): Map<string, Times> {
  const times = new Map<string, Times>()
  const of = (id: string): Times => {
    const known = times.get(id) ?? {}
    times.set(id, known)
    return known
  }
  for (const [at, event] of events) {
    if (event.type === 'step-started') of(event.id).start = at
    if (event.type !== 'step-finished') continue
    const step = of(event.id)
    // Told twice where another platform or a later attempt met it again: the first one is what was waited for.
    if (step.outcome === 'done' || (step.outcome === 'cached' && event.outcome === 'cached')) continue
    step.start ??= at
    step.end = at
    step.outcome = event.outcome
    if (event.digest !== undefined) step.digest = event.digest
  }
  const last = events.at(-1)?.[0]
  for (const step of times.values()) {
    // The build ended without a word of it.
    if (step.start !== undefined && step.outcome === undefined) Object.assign(step, { outcome: 'cancelled', end: last })
  }
  return times
}

/** From the step that ended last back to the beginning, each time to the one that was waited for longest. */
function criticalSteps(
  times: ReadonlyMap<string, Times>,
  needsOf: ReadonlyMap<string, readonly string[]>,
): ReadonlySet<string> {
  const hasRun = (id: string): boolean => {
    const outcome = times.get(id)?.outcome
    return outcome === 'done' || outcome === 'failed'
  }
  const latest = (ids: readonly string[]): string | undefined =>
    ids.filter(hasRun).reduce<string | undefined>((best, id) => {
      return best === undefined || times.get(id)!.end! > times.get(best)!.end! ? id : best
    }, undefined)
  const chain = new Set<string>()
  for (let at = latest([...needsOf.keys()]); at !== undefined && !chain.has(at); at = latest(needsOf.get(at) ?? [])) {
    chain.add(at)
  }
  return chain
}

function stageReport(stage: StageLine, steps: readonly StepReport[]): StageReport {
  const own = steps.filter((step) => step.stage === stage.name && step.makesLayer)
  const ran = own.filter(({ outcome }) => outcome !== 'cached' && outcome !== 'silent')
  return {
    ...stage,
    ran: ran.length,
    cached: own.filter(({ outcome }) => outcome === 'cached').length,
    busy: busyTime(ran),
  }
}

/** Time that the steps took, one that several lines share counted once. */
function busyTime(steps: readonly StepReport[]): number {
  const spans = new Map(
    steps.flatMap(({ id, outcome, start, end, digest }) =>
      outcome === 'cached' || outcome === 'silent' ? [] : [[`${digest ?? id} ${start}`, (end ?? 0) - (start ?? 0)]],
    ),
  )
  return [...spans.values()].reduce((sum, span) => sum + span, 0)
}

function transferReports(events: readonly TimedEvent[]): TransferReport[] {
  const begun = new Map<string, readonly [number, Of<'transfer-started'>]>()
  const transfers: TransferReport[] = []
  for (const [at, event] of events) {
    if (event.type === 'transfer-started') begun.set(event.id, [at, event])
    if (event.type !== 'transfer-finished') continue
    const [start, { kind, subject }] = begun.get(event.id) ?? [at - event.durationMs, { kind: 'pull', subject: '' }]
    transfers.push({ kind, subject, start, end: at, bytes: event.bytes, outcome: event.outcome })
  }
  return transfers.sort((a, b) => a.start - b.start)
}
