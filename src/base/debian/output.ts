/** What the programs of an installation say: handed on, and its end kept for errors. */
import { WherryError } from '../../core/errors.ts'

/** PATH of all that runs in a new system. */
export const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

const keptLines = 20

/** Hands output on and remembers its last lines. */
export interface OutputTail {
  readonly add: (text: string) => void
  lines(): string[]
}

/** A tail over `next`. */
export function outputTail(next: (text: string) => void): OutputTail {
  let text = ''
  return {
    add(more) {
      text = (text + more).slice(-16_384)
      next(more)
    },
    lines: () =>
      text
        .split('\n')
        .map((line) => line.trimEnd())
        .filter((line) => line !== '')
        .slice(-keptLines),
  }
}

/** The error for a program that did not exit with 0. */
export function runFailed(program: string, lines: readonly string[]): WherryError {
  return new WherryError('run-failed', `${program} failed in the new system; it said last:\n${lines.join('\n')}`, {
    hint: '--verbose shows all that it says.',
  })
}
