/** Limits for a run: checked beforehand, and set by prlimit(1) just before its process. */
import { WherryError } from '../core/errors.ts'
import { hardLimit } from '../host/limits.ts'
import type { ResourceLimit } from './contract.ts'

/**
 * Checks that limits can be set: nobody in a user namespace may go above what the namespace's maker has.
 * @throws WherryError `host-unsupported`, `usage` for a name that is none and for a soft limit above the hard one
 */
export function requireLimits(limits: readonly ResourceLimit[]): void {
  for (const { name, soft, hard } of limits) {
    const own = hardLimit(name)
    if (own === undefined) throw new WherryError('usage', `there is no limit "${name}"`)
    if (amount(soft) > amount(hard))
      throw new WherryError('usage', `limit ${name}: the soft limit ${soft} is above the hard one, ${hard}`)
    if (amount(hard) > own)
      throw new WherryError(
        'host-unsupported',
        `limit ${name}=${shown(hard)} is above the limit of wherry itself, ${own}`,
        {
          hint: `Ask for at most ${own}, or start wherry with a higher hard limit (ulimit -H, /etc/security/limits.conf).`,
        },
      )
  }
}

function amount(limit: number): number {
  return limit === -1 ? Infinity : limit
}

function shown(limit: number): string {
  return limit === -1 ? 'unlimited' : String(limit)
}

/** Options of prlimit(1). */
export function limitOptions(limits: readonly ResourceLimit[]): string[] {
  return limits.map(({ name, soft, hard }) => `--${name}=${shown(soft)}:${shown(hard)}`)
}
