/** Sizes, ages and durations in docker's words. */
import { expect, it } from 'vitest'
import { counted, humanAge, humanDuration, humanSince, humanSize } from '../../src/ui/human.ts'

it.each([
  [0, '0B'],
  [999, '999B'],
  [1000, '1kB'],
  [2048, '2.048kB'],
  [1_234_567, '1.235MB'],
  [5_000_000_000, '5GB'],
])('writes %d bytes as %s', (bytes, text) => {
  expect(humanSize(bytes)).toBe(text)
})

it('writes fewer digits when asked', () => {
  expect(humanSize(1_234_567, 3)).toBe('1.23MB')
})

it.each([
  [0.4, 'Less than a second'],
  [1, '1 second'],
  [59, '59 seconds'],
  [60, 'About a minute'],
  [125, '2 minutes'],
  [3600, 'About an hour'],
  [7200, '2 hours'],
  [48 * 3600, '2 days'],
  [14 * 86400, '2 weeks'],
  [61 * 86400, '2 months'],
  [731 * 86400, '2 years'],
])('calls %d seconds %s', (seconds, text) => {
  expect(humanAge(seconds)).toBe(text)
})

it('has no age for a missing, unreadable or zero time', () => {
  expect(humanSince(undefined, 0)).toBe('N/A')
  expect(humanSince('yesterday', 0)).toBe('N/A')
  expect(humanSince('0001-01-01T00:00:00Z', 0)).toBe('N/A')
})

it('says how long ago a time was', () => {
  expect(humanSince('2026-01-01T00:00:00Z', Date.parse('2026-01-01T05:00:00Z'))).toBe('5 hours ago')
})

it.each([
  [0, '0.0s'],
  [1234, '1.2s'],
  [59_990, '1m00s'],
  [62_000, '1m02s'],
  [3_780_000, '1h03m'],
])('writes %d ms as %s', (ms, text) => {
  expect(humanDuration(ms)).toBe(text)
})

it('counts nouns', () => {
  expect([counted(1, 'file'), counted(2, 'file')]).toEqual(['1 file', '2 files'])
})
