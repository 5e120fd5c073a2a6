/** When to try again, and after how long: exponential back-off with jitter, `Retry-After`, an end in time. */
import { WherryError } from '../core/errors.ts'
import { sleep } from '../core/schedule.ts'

/** How often and how long to try. */
export interface RetryPolicy {
  /** Tries in all, at least 1. */
  readonly tries: number
  /** Back-off before the second try in milliseconds; doubles from then on. */
  readonly baseMs: number
  /** No single wait is longer, whatever `Retry-After` asks. */
  readonly maxDelayMs: number
  /** No new try starts later than this after the first one. */
  readonly totalMs: number
}

export const defaultRetryPolicy: RetryPolicy = { tries: 6, baseMs: 500, maxDelayMs: 60_000, totalMs: 300_000 }

const retryableStatuses = new Set([408, 429, 499, 500, 502, 503, 504, 522])

/** True for a status that another try may change. 499 and 522 come from nginx and Cloudflare. */
export function isRetryableStatus(status: number): boolean {
  return retryableStatuses.has(status)
}

/** True for a `network` error of this folder that another try may change. */
export function isRetryableFailure(error: unknown): boolean {
  return error instanceof WherryError && error.code === 'network' && error.details?.['retryable'] === true
}

/** The wait in milliseconds that a `Retry-After` header asks for: seconds or an HTTP date. RFC 9110 section 10.2.3. */
export function parseRetryAfter(value: string | undefined, now: number = Date.now()): number | undefined {
  if (value === undefined) return undefined
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1000
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

/**
 * The wait before the next try in milliseconds, or undefined if there is none.
 * `tried` counts the tries made, `elapsedMs` is the time since the first began, `random` is in [0, 1).
 */
export function nextDelay(
  policy: RetryPolicy,
  state: { readonly tried: number; readonly elapsedMs: number; readonly retryAfterMs?: number },
  random: () => number = Math.random,
): number | undefined {
  if (state.tried >= policy.tries) return undefined
  const backOff = policy.baseMs * 2 ** (state.tried - 1)
  const jittered = backOff * (0.75 + random() / 2)
  const delay = Math.min(Math.max(jittered, state.retryAfterMs ?? 0), policy.maxDelayMs)
  return state.elapsedMs + delay > policy.totalMs ? undefined : delay
}

/** What a try came to: a result, or why there is none and how long the server asks to wait. */
export type Attempt<T> =
  | { readonly kind: 'done'; readonly value: T }
  | {
      readonly kind: 'again'
      readonly retryAfterMs?: number
      /** It came further than any before it: tries and time are counted anew. */
      readonly advanced?: boolean
      /** Called before the next try. */
      readonly abandon?: () => void
      /** Makes the result, or throws, if there is no next try. */
      readonly giveUp: () => T
    }

/** Calls `attempt` with the number of the try, until it is done or the policy ends; waits in between, ended early by `signal`. */
export async function withRetries<T>(
  policy: RetryPolicy,
  signal: AbortSignal,
  attempt: (tried: number) => Promise<Attempt<T>>,
): Promise<T> {
  let begin = Date.now()
  let counted = 0
  for (let tried = 1; ; tried++) {
    const outcome = await attempt(tried)
    if (outcome.kind === 'done') return outcome.value
    const { retryAfterMs } = outcome
    if (outcome.advanced === true) [counted, begin] = [0, Date.now()]
    counted++
    const delay = nextDelay(policy, { tried: counted, elapsedMs: Date.now() - begin, retryAfterMs })
    if (delay === undefined) return outcome.giveUp()
    outcome.abandon?.()
    try {
      await sleep(delay, signal)
    } catch (cause) {
      throw new WherryError('cancelled', 'cancelled', { cause })
    }
  }
}
