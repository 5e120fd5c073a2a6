/** Times of `--filter until=…` and `--since`, as docker reads them; pure. */
import { WherryError } from '../core/errors.ts'
import { parseDuration } from '../dockerfile/duration.ts'

/**
 * The time that `24h`, `2026-01-02T15:04:05Z`, `2026-01-02` or `1767366245` means, in milliseconds since 1970. Durations reach
 * back from now, times without a zone are local. `subject` is the option with its value.
 * @throws WherryError `usage`
 */
export function parseTime(text: string, nowMs: number, subject: string): number {
  if (/^\d+(\.\d{1,9})?$/.test(text)) return Number(text) * 1000
  if (/^\d{4}-/.test(text)) return parseDate(text, subject)
  try {
    return nowMs - parseDuration(text) / 1e6
  } catch (cause) {
    const hint = 'Write 24h or 2026-01-02T15:04:05Z.'
    throw new WherryError('usage', `${subject}: this is no duration and no time`, { hint, cause })
  }
}

/** Go's layouts: a date with an hour and a zone (`2006-01-02T07:00` is midnight in that zone), or with neither, is one too. */
function parseDate(text: string, subject: string): number {
  const [, date = '', zone = ''] = /^(\d{4}-\d\d-\d\d)(Z|[+-]\d\d:\d\d)?$/.exec(text) ?? []
  const time = Date.parse(date === '' ? text : `${date}T00:00:00${zone}`)
  if (!Number.isNaN(time)) return time
  throw new WherryError('usage', `${subject}: this is no time`, { hint: 'Write 2026-01-02T15:04:05Z.' })
}
