/** SOURCE_DATE_EPOCH: https://reproducible-builds.org/specs/source-date-epoch/ */
import { WherryError } from '../core/errors.ts'
import type { Io } from './io.ts'

/**
 * The variable's seconds since 1970; undefined if it is not set or empty.
 * @throws WherryError `usage`
 */
export function sourceDateEpoch(env: Io['env']): number | undefined {
  const text = env['SOURCE_DATE_EPOCH']
  if (text === undefined || text === '') return undefined
  if (/^\d{1,11}$/.test(text)) return Number(text)
  throw new WherryError('usage', `SOURCE_DATE_EPOCH is "${text}", which is not a number of seconds`)
}
