/** Sizes, ages and durations as docker writes them (docker/go-units). */

const sizeUnits = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'] as const

/** Bytes in decimal units with `digits` significant digits: 2048 is `2.048kB`. */
export function humanSize(bytes: number, digits = 4): string {
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < sizeUnits.length - 1) {
    value /= 1000
    unit++
  }
  return `${Number(value.toPrecision(digits))}${sizeUnits[unit]!}`
}

const minute = 60
const hour = 60 * minute
const day = 24 * hour

/** A span in seconds as words: `Less than a second`, `About an hour`, `3 weeks`. */
export function humanAge(seconds: number): string {
  const s = Math.floor(seconds)
  if (s < 1) return 'Less than a second'
  if (s < minute) return s === 1 ? '1 second' : `${s} seconds`
  if (s < 2 * minute) return 'About a minute'
  if (s < hour) return `${Math.floor(s / minute)} minutes`
  const hours = Math.floor(s / hour + 0.5)
  if (hours === 1) return 'About an hour'
  if (hours < 48) return `${hours} hours`
  if (hours < 24 * 7 * 2) return `${Math.floor(hours / 24)} days`
  if (hours < 24 * 30 * 2) return `${Math.floor(hours / 24 / 7)} weeks`
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`
  return `${Math.floor(s / day / 365)} years`
}

/** The age of an ISO 8601 time: `2 hours ago`; `N/A` for none or nonsense, as docker says of the zero time. */
export function humanSince(time: string | undefined, nowMs: number): string {
  const at = time === undefined ? NaN : Date.parse(time)
  if (Number.isNaN(at) || at <= -62_135_596_800_000) return 'N/A'
  return `${humanAge(Math.max(0, nowMs - at) / 1000)} ago`
}

/** A time in the local zone as Go's `time.Time` shows it: `2026-01-02 15:04:05 +0100 CET`; `N/A` for none. */
export function goTime(time: string | undefined): string {
  const at = new Date(time ?? NaN)
  if (Number.isNaN(at.getTime())) return 'N/A'
  return `${dateOf(at)} ${clockOf(at)} ${zoneOf(at)} ${zoneName(at)}`
}

/** A time in the local zone in RFC 3339, to the second; empty for none. */
export function rfc3339(time: string | undefined): string {
  const at = new Date(time ?? NaN)
  if (Number.isNaN(at.getTime())) return ''
  const zone = at.getTimezoneOffset() === 0 ? 'Z' : zoneOf(at).replace(/(\d\d)$/, ':$1')
  return `${dateOf(at)}T${clockOf(at)}${zone}`
}

function dateOf(at: Date): string {
  return `${String(at.getFullYear()).padStart(4, '0')}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`
}

function clockOf(at: Date): string {
  return `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`
}

function zoneOf(at: Date): string {
  const minutes = -at.getTimezoneOffset()
  return `${minutes < 0 ? '-' : '+'}${pad(Math.floor(Math.abs(minutes) / 60))}${pad(Math.abs(minutes) % 60)}`
}

/** `CET`, `PST`: each is known to one of the languages; a zone without letters is named by its offset. */
function zoneName(at: Date): string {
  if (at.getTimezoneOffset() === 0) return 'UTC'
  const names = ['en-US', 'en-GB'].map((language) => {
    const parts = new Intl.DateTimeFormat(language, { timeZoneName: 'short' }).formatToParts(at)
    return parts.find((part) => part.type === 'timeZoneName')?.value ?? ''
  })
  return names.find((name) => /^[A-Z]{3,5}$/.test(name)) ?? zoneOf(at).replace(/00$/, '')
}

/** A running time: `0.3s`, `12.4s`, `1m02s`, `2h03m`. */
export function humanDuration(ms: number): string {
  const seconds = ms / 1000
  if (seconds < 59.95) return `${seconds.toFixed(1)}s`
  const whole = Math.round(seconds)
  if (whole < hour) return `${Math.floor(whole / 60)}m${pad(whole % 60)}s`
  return `${Math.floor(whole / hour)}h${pad(Math.floor((whole % hour) / 60))}m`
}

function pad(n: number): string {
  return String(n).padStart(2, '0')
}

/** `1 file`, `2 files`. */
export function counted(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}
