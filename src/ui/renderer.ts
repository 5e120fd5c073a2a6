/** What a renderer is: a consumer of events that writes text, and knows nothing of the engine. */
import type { BuildEvent } from '../core/events.ts'

/** Where text goes. A terminal tells its size; a clock is given so that tests have one of their own. */
export interface Surface {
  readonly write: (text: string) => void
  /** True for a terminal that understands cursor movement. */
  readonly isTerminal: boolean
  /** Colours and dimming wanted. */
  readonly color: boolean
  readonly columns: () => number
  readonly rows: () => number
  /** Milliseconds on any steady clock. */
  readonly now: () => number
}

/** Consumes the events of one command. */
export interface Renderer {
  readonly event: (event: BuildEvent) => void
  /** Writes what is still held back and restores the terminal. Idempotent. */
  readonly close: () => void
}

/** One event type of the union. */
export type EventOf<T extends BuildEvent['type']> = Extract<BuildEvent, { type: T }>

/** What to do on each type of event. */
export type Handlers = { readonly [T in BuildEvent['type']]: (event: EventOf<T>) => void }

/** Gives each event to the handler of its type; types without one are dropped. */
export function dispatchTo(handlers: Partial<Handlers>): (event: BuildEvent) => void {
  const table = handlers as Partial<Record<BuildEvent['type'], (event: BuildEvent) => void>>
  return (event) => table[event.type]?.(event)
}
