/** Commands that wait for transfers: a spinner on a terminal, and a line for each transfer that ended. */
import type { BuildEvent } from '../core/events.ts'
import { warningText } from '../ui/error.ts'
import type { Renderer } from '../ui/renderer.ts'
import { startSpinner } from '../ui/spinner.ts'
import { type Io, noteLine, printLine, surfaceOf } from './io.ts'

/** What is shown of a wait. */
export interface Wait {
  /** Shown beside the spinner while nothing is being transferred. */
  readonly text: string
  /** The line to print for an event, if any. */
  readonly lineOf?: (event: BuildEvent) => string | undefined
  /** The line to print for an event on standard error, if any. */
  readonly noteOf?: (event: BuildEvent) => string | undefined
}

/**
 * Begins a wait. Lines go to standard output: at once, or, while a spinner has the terminal, when it is closed. Warnings go to
 * standard error. `close` is idempotent.
 */
export async function beginWait(wait: Wait, io: Io): Promise<Renderer> {
  const surface = surfaceOf(io.stderr, io.env)
  const spinner = await startSpinner(wait.text, surface, io.stderr)
  const held: (() => void)[] = []
  let closed = false
  const say = (print: () => void): void => {
    if (surface.isTerminal && !closed) held.push(print)
    else print()
  }
  return {
    event: (event) => {
      spinner.event(event)
      const line = wait.lineOf?.(event)
      if (line !== undefined) say(() => printLine(io, line))
      const note = wait.noteOf?.(event)
      if (note !== undefined) say(() => noteLine(io, note))
      if (event.type === 'warning') say(() => noteLine(io, warningText(event)))
    },
    close: () => {
      if (closed) return
      closed = true
      spinner.close()
      for (const print of held) print()
    },
  }
}

/** What a registry lets its user know; for `Wait.noteOf`. */
export function registryNote(event: BuildEvent): string | undefined {
  return event.type === 'message' && event.about === 'registry' ? event.text : undefined
}

/** Docker's words for the end of each blob's transfer, `5f70bf18a086: Pushed`; for `Wait.lineOf`. */
export function transferLines(kind: 'pull' | 'push'): (event: BuildEvent) => string | undefined {
  const subjects = new Map<string, string>()
  const words = kind === 'pull' ? 'Pull complete' : 'Pushed'
  return (event) => {
    if (event.type === 'transfer-started' && event.kind === kind) subjects.set(event.id, event.subject)
    if (event.type !== 'transfer-finished') return undefined
    const subject = subjects.get(event.id)
    if (subject === undefined || event.outcome === 'failed') return undefined
    const how = { done: words, exists: 'Layer already exists', mounted: 'Mounted from another repository' }
    return `${subject}: ${how[event.outcome]}`
  }
}
