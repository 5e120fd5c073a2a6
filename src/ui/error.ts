/** Errors and warnings as text: the Dockerfile's excerpt with the lines marked, then what is wrong, why, and what to do. */
import { type SourceRange, type WherryError, WherryErrors, errnoOf } from '../core/errors.ts'
import type { BuildEvent } from '../core/events.ts'
import { type Style, makeStyle } from './style.ts'

/** How errors are shown. `source` gives all lines of a file that a range names, to show its surroundings. */
export interface ErrorView {
  readonly color: boolean
  readonly source?: (file: string) => readonly string[] | undefined
}

/** Lines shown above and below the marked ones. */
const padding = 2
const rule = '-'.repeat(20)

/** A whole error as text, ending with a newline. Several errors of one text are all shown. */
export function renderError(error: WherryError, view: ErrorView): string {
  const style = makeStyle(view.color)
  const all = error instanceof WherryErrors ? error.errors : [error]
  const hints = new Set(all.map((e) => e.hint))
  return all
    .map((e, i) => {
      const last = i === all.length - 1 || hints.size > 1
      return [...excerptLines(e.at, view), ...messageOf(e, style, last)].map((line) => `${line}\n`).join('')
    })
    .join('\n')
}

/** `WARNING: message (line 3)`. */
export function warningText(event: Extract<BuildEvent, { type: 'warning' }>): string {
  const rule = event.rule === undefined ? '' : `${event.rule}: `
  const at = event.at === undefined ? '' : ` (${event.at.file}:${event.at.startLine})`
  return hideSecrets(`WARNING: ${rule}${event.message}${at}`)
}

function messageOf(error: WherryError, style: Style, withHint: boolean): string[] {
  const why = causeOf(error)
  const hint = withHint ? error.hint : undefined
  return [
    hideSecrets(`${style.red(style.bold('ERROR'))}: ${error.message} ${style.dim(`[${error.code}]`)}`),
    ...(why === undefined ? [] : [hideSecrets(`${style.bold('why')}: ${why}`)]),
    ...(hint === undefined ? [] : [hideSecrets(`${style.bold('hint')}: ${hint}`)]),
  ]
}

/** The system's own words, where the message does not hold them already. */
function causeOf(error: WherryError): string | undefined {
  const { cause } = error
  if (!(cause instanceof Error) || (error.code !== 'internal' && errnoOf(cause) === undefined)) return undefined
  return error.message.includes(cause.message) || cause.message === '' ? undefined : cause.message
}

/** The place, and the lines that it means among their surroundings. */
export function excerptLines(at: SourceRange | undefined, view: ErrorView): string[] {
  if (at === undefined) return []
  const heading = `${at.file}:${at.startLine}`
  const numbered = numberedLines(at, view.source?.(at.file))
  if (numbered.length === 0) return [heading]
  const width = String(numbered.at(-1)![0]).length
  const shown = numbered.map(([number, text]) => {
    const mark = number >= at.startLine && number <= at.endLine ? '>>>' : '   '
    return ` ${String(number).padStart(Math.max(width, 3))} | ${mark} ${text}`.trimEnd()
  })
  return [heading, rule, ...shown, rule]
}

function numberedLines(at: SourceRange, source: readonly string[] | undefined): [number, string][] {
  if (source === undefined) return (at.excerpt ?? []).map((text, i) => [at.startLine + i, text])
  const first = Math.max(1, at.startLine - padding)
  return source.slice(first - 1, at.endLine + padding).map((text, i) => [first + i, text])
}

/** Credentials in URLs, the one kind of secret that travels in other programs' messages. */
function hideSecrets(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, '$1***@')
}
