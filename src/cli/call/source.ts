/** A Dockerfile as the answers of `--call` show it: docker's excerpt of its lines, and places as JSON. */
import type { SourceRange } from '../../core/errors.ts'

/** The text that places point into. */
export interface Source {
  /** The file as it is shown: relative to the working folder where it lies below it. */
  readonly file: string
  readonly text: string
}

const rule = '-'.repeat(20)

/** The lines of a place with the same surroundings that docker shows: two lines around one, one around several. */
export function excerpt({ file, text }: Source, { startLine, endLine }: SourceRange): string[] {
  const lines = text.split('\n')
  const around = startLine === endLine ? 2 : 1
  const first = Math.max(1, startLine - around)
  const shown = lines.slice(first - 1, endLine + around).map((line, i) => {
    const number = first + i
    const mark = number >= startLine && number <= endLine ? '>>>' : '   '
    return ` ${String(number).padStart(3)} | ${mark} ${line}`
  })
  return [`${file}:${startLine}`, rule, ...shown, rule]
}

/** A place as docker's frontend writes it. */
export function locationJson({ startLine, endLine }: SourceRange): object {
  return { ranges: [{ start: { line: startLine }, end: { line: endLine } }] }
}
