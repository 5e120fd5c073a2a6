/** What the build checks found, told once at the end of a build, as docker does. */
import { excerptLines, warningText } from './error.ts'
import { counted } from './human.ts'
import type { EventOf } from './renderer.ts'

type Warning = EventOf<'warning'>

/** Keeps warnings of checks back. */
export interface Findings {
  /** Takes a warning if it is a check's; else returns its line, to be shown at once. */
  take(event: Warning): string | undefined
  /** The lines to end with; none if nothing was found, or all was told. */
  lines(): string[]
}

/** A book of one build's findings. */
export function findingsBook(): Findings {
  let held: Warning[] = []
  return {
    take(event) {
      if (event.rule === undefined) return warningText(event)
      held.push(event)
      return undefined
    },
    lines() {
      if (held.length === 0) return []
      const lines = ['', ` ${counted(held.length, 'warning')} found:`, ...held.flatMap(findingLines)]
      held = []
      return lines
    },
  }
}

/** `RULE: message (line N)`, what the check is about, its page, and the lines that are meant. */
function findingLines({ rule, message, at, description, url }: Warning): string[] {
  return [
    ` - ${rule}: ${message}${at === undefined ? '' : ` (line ${at.startLine})`}`,
    ...(description === undefined ? [] : [description]),
    ...(url === undefined ? [] : [`More info: ${url}`]),
    ...excerptLines(at, { color: false }),
    '',
  ]
}
