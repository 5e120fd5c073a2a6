/** The words of history entries, as BuildKit writes them (Go's `%q`, `%v` and `%+v`). */
import type { Healthcheck } from '../oci/config.ts'

const escapes: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '"': '\\"',
  '\\': '\\\\',
}

/** A string as Go's `%q` shows it. */
export function goQuote(text: string): string {
  const hex = (c: string): string => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`
  return `"${text.replace(/["\\\u0000-\u001f\u007f]/g, (c) => escapes[c] ?? hex(c))}"`
}

/** A list of strings as Go's `%q` shows it. */
export function goQuoteList(list: readonly string[]): string {
  return `[${list.map(goQuote).join(' ')}]`
}

/** A list as Go's `%v` shows it. */
export function goList(list: readonly string[]): string {
  return `[${list.join(' ')}]`
}

/** Nanoseconds as Go's `time.Duration` shows them: `1m30s`, `500ms`, `0s`. */
export function goDuration(ns: number): string {
  if (ns === 0) return '0s'
  const sign = ns < 0 ? '-' : ''
  const abs = Math.abs(ns)
  if (abs < 1e3) return `${sign}${abs}ns`
  if (abs < 1e6) return `${sign}${abs / 1e3}µs`
  if (abs < 1e9) return `${sign}${abs / 1e6}ms`
  const seconds = abs / 1e9
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor((seconds % 3600) / 60)
  const rest = Number((seconds % 60).toFixed(9))
  return `${sign}${hours ? `${hours}h` : ''}${hours || minutes ? `${minutes}m` : ''}${rest}s`
}

/** HEALTHCHECK's history entry. */
export function healthcheckHistory(health: Healthcheck): string {
  const { Test, Interval = 0, Timeout = 0, StartPeriod = 0, StartInterval = 0, Retries = 0 } = health
  const times = `Interval:${goDuration(Interval)} Timeout:${goDuration(Timeout)} StartPeriod:${goDuration(StartPeriod)}`
  return `HEALTHCHECK {Test:${goList(Test)} ${times} StartInterval:${goDuration(StartInterval)} Retries:${Retries}}`
}

/** RUN's history entry: the args that were in scope, as `scopeText` has them, before the command. */
export function runHistory(args: readonly string[], scope: string): string {
  return `RUN ${scope}${args.join(' ')} # buildkit`
}

/** Args in scope, counted, as `name=value`. */
export function scopeText(buildArgs: readonly string[]): string {
  return buildArgs.length === 0 ? '' : `|${buildArgs.length} ${buildArgs.join(' ')} `
}
