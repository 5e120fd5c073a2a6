/** Options of commands that talk to registries. */
import { describe, expect, test } from 'vitest'
import { type RegistryOptionValues, parallelOf, retryPolicyOf } from '../../src/cli/registry-options.ts'

const none: RegistryOptionValues = {
  'insecure-registry': [],
  'tls-verify': true,
  retry: undefined,
  'retry-delay': undefined,
  timeout: undefined,
  parallel: undefined,
}

describe('registry options', () => {
  test('leave the defaults alone if they are not given', () => {
    expect(retryPolicyOf(none)).toEqual({})
    expect(parallelOf(none)).toBeUndefined()
  })

  test('say how often and how long to try, and how much at once', () => {
    const policy = retryPolicyOf({ ...none, retry: '0', 'retry-delay': '2m', timeout: '1h' })
    expect(policy).toEqual({ tries: 1, baseMs: 120_000, maxDelayMs: 120_000, totalMs: 3_600_000 })
    expect(parallelOf({ ...none, parallel: '12' })).toBe(12)
  })

  test.each([
    ['retry', '-1'],
    ['retry', 'often'],
    ['retry-delay', '5'],
    ['timeout', '-1s'],
    ['timeout', 'soon'],
    ['parallel', '0'],
    ['parallel', '1.5'],
  ])('refuse --%s %s by name', (name, value) => {
    const read = (): unknown => [retryPolicyOf({ ...none, [name]: value }), parallelOf({ ...none, [name]: value })]
    expect(read).toThrow(`--${name} is "${value}"`)
  })
})
