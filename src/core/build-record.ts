/** A build's events with their times, as text that outlives it: what a report of a build is made from. */
import type { BuildEvent } from './events.ts'
import { isJsonObject } from './json.ts'

/** Raised when records of before cannot be read any more. */
const recordVersion = 1

/** Events that are kept, at most. */
const eventLimit = 20_000

/** Characters that are kept of an instruction. */
const textLimit = 2000

/** An event, and when it came: milliseconds since the record's beginning. */
export type TimedEvent = readonly [at: number, event: BuildEvent]

export interface BuildRecord {
  /** ISO 8601. */
  readonly startedAt: string
  readonly events: readonly TimedEvent[]
}

/** Gathers events. Output of steps and progress of transfers are left out, and what is above a fixed number. */
export interface BuildRecorder {
  readonly startedAt: Date
  take(event: BuildEvent): void
  /** What was gathered, as text. */
  text(): string
}

/** A recorder whose clock starts now. */
export function buildRecorder(now: () => number = () => performance.now()): BuildRecorder {
  const startedAt = new Date()
  const begin = now()
  const events: TimedEvent[] = []
  return {
    startedAt,
    take(event) {
      if (isPassing(event) || events.length >= eventLimit) return
      events.push([Math.round(now() - begin), shortened(event)])
    },
    text: () => JSON.stringify({ version: recordVersion, startedAt: startedAt.toISOString(), events }),
  }
}

function isPassing({ type }: BuildEvent): boolean {
  return type === 'step-output' || type === 'transfer-progress' || type === 'explain' || type === 'shell'
}

function shortened(event: BuildEvent): BuildEvent {
  if (event.type !== 'plan') return event
  return { ...event, steps: event.steps.map((step) => ({ ...step, text: step.text.slice(0, textLimit) })) }
}

/** Reads a record; undefined if it is none of this version. */
export function parseBuildRecord(text: string): BuildRecord | undefined {
  let raw: unknown
  try {
    raw = JSON.parse(text)
  } catch {
    // Of another program: a miss.
    return undefined
  }
  if (!isJsonObject(raw) || raw['version'] !== recordVersion || typeof raw['startedAt'] !== 'string') return undefined
  if (!Array.isArray(raw['events']) || !raw['events'].every(isTimedEvent)) return undefined
  return { startedAt: raw['startedAt'], events: raw['events'] as unknown as TimedEvent[] }
}

function isTimedEvent(value: unknown): boolean {
  if (!Array.isArray(value)) return false
  const [at, event] = value as readonly unknown[]
  return typeof at === 'number' && isJsonObject(event) && typeof event['type'] === 'string'
}
