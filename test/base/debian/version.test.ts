/** Order of versions, from the examples of deb-version(7) and Debian Policy 5.6.12. */
import { expect, it } from 'vitest'
import { compareVersions, versionFits } from '../../../src/base/debian/version.ts'

it.each([
  ['1.0', '1.0'],
  ['0:1.0', '1.0'],
  ['1.0-0', '1.0'],
  ['1.01', '1.1'],
])('%s is %s', (a, b) => {
  expect(compareVersions(a, b)).toBe(0)
  expect(compareVersions(b, a)).toBe(0)
})

it.each([
  ['1.0~rc1', '1.0'],
  ['~~', '~~a'],
  ['~~a', '~'],
  ['~', ''],
  ['', 'a'],
  ['1.9', '1.10'],
  ['1.2', '1.2a'],
  ['1.2a', '1.2b'],
  ['1.2a', '1.2+b1'],
  ['9', '1:1'],
  ['1.0-1', '1.0-1+b1'],
  ['1.0-1~bpo12+1', '1.0-1'],
  ['2.36-9+deb12u9', '2.36-9+deb12u14'],
  ['1.0-1', '1.0-a-1'],
])('%s is before %s', (a, b) => {
  expect(compareVersions(a, b)).toBeLessThan(0)
  expect(compareVersions(b, a)).toBeGreaterThan(0)
})

it('relations are those of dependency fields', () => {
  expect(versionFits('1.0', '>=', '1.0')).toBe(true)
  expect(versionFits('1.0', '>>', '1.0')).toBe(false)
  expect(versionFits('1.0', '<<', '1.1')).toBe(true)
  expect(versionFits('1.0', '<=', '0.9')).toBe(false)
  expect(versionFits('1.0-1', '=', '1.0-1')).toBe(true)
})
