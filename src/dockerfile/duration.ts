/** Durations of HEALTHCHECK in Go's notation, `1m30s` for instance. */
import { syntaxError } from './syntax-error.ts'

const nanoseconds: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
}

/**
 * Parses a duration (Go's time.ParseDuration) into nanoseconds.
 * @throws WherryError `dockerfile-syntax`
 */
export function parseDuration(text: string): number {
  const invalid = (why: string): Error => syntaxError(`time: ${why} duration ${JSON.stringify(text)}`, durationHint)
  const sign = text.startsWith('-') ? -1 : 1
  let rest = text.replace(/^[+-]/, '')
  if (rest === '0') return 0
  if (rest === '') throw invalid('invalid')
  let total = 0
  while (rest !== '') {
    const match = /^(\d+\.?\d*|\.\d+)([^.\d]*)/.exec(rest)
    if (match === null) throw invalid('invalid')
    const unit = match[2] ?? ''
    if (unit === '') throw invalid('missing unit in')
    const factor = Object.hasOwn(nanoseconds, unit) ? nanoseconds[unit] : undefined
    if (factor === undefined) throw invalid(`unknown unit ${JSON.stringify(unit)} in`)
    total += Math.trunc(Number(match[1]) * factor)
    rest = rest.slice(match[0].length)
  }
  if (total > 2 ** 63 - 1) throw invalid('invalid')
  return sign * total
}

const durationHint = 'Write a number with a unit, 30s or 1m30s for instance.'
