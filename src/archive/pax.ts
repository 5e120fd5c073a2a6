/** PAX records: `<length> <key>=<value>\n`, the length counting itself. Keys and values are latin1 here, so binary values survive. */
import { WherryError } from '../core/errors.ts'

/** Prefix of the keys of extended attributes, as Go, GNU tar and libarchive write them. */
export const xattrPrefix = 'SCHILY.xattr.'

/** One record as bytes (latin1). */
export function encodePaxRecord(key: string, value: string): string {
  const rest = key.length + value.length + 3
  let length = rest + String(rest).length
  if (String(length).length + rest !== length) length = rest + String(length).length
  return `${length} ${key}=${value}\n`
}

/**
 * The records of a PAX header's body in their order; a later one of the same key counts.
 * @throws WherryError `archive-invalid`
 */
export function parsePaxRecords(body: Buffer): [key: string, value: string][] {
  const records: [string, string][] = []
  let at = 0
  while (at < body.length) {
    const space = body.indexOf(0x20, at)
    const text = space < 0 ? '' : body.toString('latin1', at, Math.min(space, at + 20))
    const end = at + Number(text)
    if (!/^[1-9]\d*$/.test(text) || end > body.length || end < space + 2 || body[end - 1] !== 0x0a) throw malformed()
    const record = body.toString('latin1', space + 1, end - 1)
    const equals = record.indexOf('=')
    if (equals < 1 || record.lastIndexOf('\0', equals) >= 0) throw malformed()
    records.push([record.slice(0, equals), record.slice(equals + 1)])
    at = end
  }
  return records
}

function malformed(): WherryError {
  return new WherryError('archive-invalid', 'the archive has a malformed PAX record')
}

/** Nanoseconds as a PAX time: decimal seconds, no trailing zeros in the fraction. */
export function formatPaxTime(ns: bigint): string {
  const negative = ns < 0n
  const absolute = negative ? -ns : ns
  const fraction = (absolute % 1_000_000_000n).toString().padStart(9, '0').replace(/0+$/, '')
  return `${negative ? '-' : ''}${absolute / 1_000_000_000n}${fraction === '' ? '' : `.${fraction}`}`
}

/**
 * A PAX time as nanoseconds; digits beyond the ninth are dropped.
 * @throws WherryError `archive-invalid`
 */
export function parsePaxTime(text: string): bigint {
  const match = /^(-?)(\d{1,19})(?:\.(\d*))?$/.exec(text)
  if (!match) throw new WherryError('archive-invalid', 'the archive has a PAX time that is not a number')
  const [, sign, seconds = '0', fraction = ''] = match
  const ns = BigInt(seconds) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'))
  return sign === '-' ? -ns : ns
}

/**
 * A non-negative decimal PAX number.
 * @throws WherryError `archive-invalid`
 */
export function parsePaxNumber(key: string, text: string): number {
  const value = Number(text)
  if (/^\d{1,16}$/.test(text) && Number.isSafeInteger(value)) return value
  throw new WherryError('archive-invalid', `the archive has a PAX record "${key}" that is not a number in range`)
}
