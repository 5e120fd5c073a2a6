import { describe, expect, test } from 'vitest'
import { WherryError } from '../../src/core/errors.ts'
import {
  type RetryPolicy,
  isRetryableFailure,
  isRetryableStatus,
  nextDelay,
  parseRetryAfter,
  withRetries,
} from '../../src/http/retry.ts'

const policy: RetryPolicy = { tries: 4, baseMs: 100, maxDelayMs: 1000, totalMs: 5000 }
const even = (): number => 0.5
const never = new AbortController().signal

describe('Retry-After', () => {
  const now = Date.parse('2024-05-01T12:00:00Z')
  test.each([
    ['120', 120_000],
    [' 0 ', 0],
    ['Wed, 01 May 2024 12:00:30 GMT', 30_000],
    ['Wed, 01 May 2024 11:00:00 GMT', 0],
    ['soon', undefined],
    [undefined, undefined],
  ])('%s is %s ms', (value, expected) => {
    expect(parseRetryAfter(value, now)).toBe(expected)
  })
})

describe('the next delay', () => {
  test('doubles', () => {
    expect([1, 2, 3].map((tried) => nextDelay(policy, { tried, elapsedMs: 0 }, even))).toEqual([100, 200, 400])
  })

  test('varies by a quarter either way', () => {
    expect(nextDelay(policy, { tried: 1, elapsedMs: 0 }, () => 0)).toBe(75)
    expect(nextDelay(policy, { tried: 1, elapsedMs: 0 }, () => 0.999)).toBeLessThan(125)
  })

  test('is at least what the server asks, at most the cap', () => {
    expect(nextDelay(policy, { tried: 1, elapsedMs: 0, retryAfterMs: 700 }, even)).toBe(700)
    expect(nextDelay(policy, { tried: 1, elapsedMs: 0, retryAfterMs: 1 }, even)).toBe(100)
    expect(nextDelay(policy, { tried: 1, elapsedMs: 0, retryAfterMs: 9e9 }, even)).toBe(1000)
  })

  test('is none after the last try or the whole time', () => {
    expect(nextDelay(policy, { tried: 4, elapsedMs: 0 }, even)).toBeUndefined()
    expect(nextDelay(policy, { tried: 1, elapsedMs: 4950 }, even)).toBeUndefined()
  })
})

describe('withRetries', () => {
  const quick = { ...policy, baseMs: 1 }

  test('abandons each failed try and gives up after the last', async () => {
    const log: string[] = []
    const result = await withRetries(quick, never, (tried) => {
      log.push(`try ${tried}`)
      return Promise.resolve({
        kind: 'again',
        abandon: () => void log.push(`abandon ${tried}`),
        giveUp: () => `gave up ${tried}`,
      })
    })
    expect(result).toBe('gave up 4')
    expect(log).toEqual(['try 1', 'abandon 1', 'try 2', 'abandon 2', 'try 3', 'abandon 3', 'try 4'])
  })

  test('ends with what succeeds', async () => {
    const result = await withRetries<number>(quick, never, (tried) =>
      Promise.resolve(tried < 3 ? { kind: 'again', giveUp: () => 0 } : { kind: 'done', value: tried }),
    )
    expect(result).toBe(3)
  })

  test('is cancelled in its waits', async () => {
    const slow = { ...policy, baseMs: 1000 }
    const waiting = withRetries(slow, AbortSignal.timeout(20), () =>
      Promise.resolve({ kind: 'again', giveUp: () => 0 }),
    )
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' })
  })
})

test('only what may change is tried again', () => {
  expect([200, 301, 400, 401, 403, 404, 413, 501].filter(isRetryableStatus)).toEqual([])
  expect(isRetryableFailure(new WherryError('network', 'x', { details: { retryable: true } }))).toBe(true)
  expect(isRetryableFailure(new WherryError('network', 'x'))).toBe(false)
  expect(isRetryableFailure(new Error('x'))).toBe(false)
})
