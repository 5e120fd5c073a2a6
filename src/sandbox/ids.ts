/** Which user and group ids may be used in a mode. */
import { WherryError } from '../core/errors.ts'
import type { Mode } from '../host/contract.ts'

/** Ids that a run or its files are to have. */
export interface WantedIds {
  readonly uid: number
  readonly gids: readonly number[]
}

/**
 * Checks that ids are mapped. Single mode fakes every change of id, so all ids do.
 * @throws WherryError `sandbox-failed`
 */
export function requireIds(mode: Mode, { uid, gids }: WantedIds): void {
  if (mode.kind === 'single') return
  const count = (ranges: Mode['uids']): number => mode.runIds ?? Math.max(...ranges.map((r) => r.inside + r.count))
  const wrong =
    uid >= count(mode.uids)
      ? `user ${uid}`
      : gids.filter((gid) => gid >= count(mode.gids)).map((gid) => `group ${gid}`)[0]
  if (wrong === undefined) return
  throw new WherryError(
    'sandbox-failed',
    `${wrong} is beyond the ids that may be used here (0 to ${count(mode.uids) - 1})`,
    { hint: 'give the user a larger range in /etc/subuid and /etc/subgid' },
  )
}
