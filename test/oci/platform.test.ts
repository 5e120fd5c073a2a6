/** Platforms as containerd's package of that name reads and writes them. */
import { describe, expect, it } from 'vitest'
import { type Platform, formatPlatform, parsePlatform, samePlatform } from '../../src/oci/platform.ts'

const host = { os: 'linux', architecture: 'amd64' }
const parse = (text: string): Platform => parsePlatform(text, host)

describe('a platform', () => {
  it.each([
    ['linux/amd64', 'linux/amd64'],
    ['x86_64', 'linux/amd64'],
    ['linux/arm64/v8', 'linux/arm64'],
    ['arm', 'linux/arm/v7'],
    ['linux/armel', 'linux/arm/v6'],
    ['windows', 'windows/amd64'],
    ['macOS/aarch64', 'darwin/arm64'],
    ['windows(10.0.17763)', 'windows(10.0.17763)/amd64'],
    ['windows(10.0.17763)/amd64', 'windows(10.0.17763)/amd64'],
    ['windows(10.0.17763+win32k)/amd64', 'windows(10.0.17763+win32k)/amd64'],
    ['linux(+a+b)/riscv64', 'linux(+a+b)/riscv64'],
    ['windows(a%2Fb)/amd64', 'windows(a%2Fb)/amd64'],
  ])('%s is %s', (text, formatted) => {
    expect(formatPlatform(parse(text))).toBe(formatted)
    expect(formatPlatform(parse(formatted))).toBe(formatted)
  })

  it.each(['', 'linux/', 'linux/*', 'a/b/c/d', 'windows(1/amd64', 'linux(1)x/amd64', 'windows(%zz)/amd64'])(
    '%j is none',
    (text) => {
      expect(() => parse(text)).toThrow('is not a platform')
    },
  )

  it('has a version and features of its own', () => {
    expect(parse('windows(10.0.1+a+b)/amd64')).toMatchObject({ osVersion: '10.0.1', osFeatures: ['a', 'b'] })
  })

  it('is the same as another by what runs there: of Windows versions the first three parts count, if both have one', () => {
    const same = (a: string, b: string): boolean => samePlatform(parse(a), parse(b))
    expect(same('windows(10.0.17763.1)/amd64', 'windows(10.0.17763.2)/amd64')).toBe(true)
    expect(same('windows(10.0.17763)/amd64', 'windows(10.0.20348)/amd64')).toBe(false)
    expect(same('windows(10.0.17763)/amd64', 'windows/amd64')).toBe(true)
    expect(same('linux(1)/amd64', 'linux(2)/amd64')).toBe(true)
    expect(same('linux/arm64', 'linux/arm')).toBe(false)
  })
})
