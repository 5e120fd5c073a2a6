/** Where a suite comes from, without asking anybody. */
import { expect, it } from 'vitest'
import { mergedFolders, sourceLines, sourcesOf, usualKeyrings } from '../../../src/base/debian/sources.ts'

const lines = (suite: string, over: Partial<Parameters<typeof sourcesOf>[0]> = {}): string[] =>
  sourceLines(sourcesOf({ suite, mirrors: [], components: [], architecture: 'amd64', ...over }))

it('a suite of Debian comes with its updates, unstable alone', () => {
  expect(lines('bookworm')).toEqual([
    'deb http://deb.debian.org/debian bookworm main',
    'deb http://deb.debian.org/debian bookworm-updates main',
    'deb http://security.debian.org/debian-security bookworm-security main',
  ])
  expect(lines('sid', { components: ['main', 'contrib'] })).toEqual([
    'deb http://deb.debian.org/debian sid main contrib',
  ])
})

it('a suite of Ubuntu comes from its mirrors, other architectures from their own', () => {
  expect(lines('noble')[0]).toBe('deb http://archive.ubuntu.com/ubuntu noble main')
  expect(lines('noble', { architecture: 'arm64' })[2]).toBe(
    'deb http://ports.ubuntu.com/ubuntu-ports noble-security main',
  )
  expect(usualKeyrings('noble')).toEqual(['/usr/share/keyrings/ubuntu-archive-keyring.gpg'])
})

it('a mirror is a URL or a whole line', () => {
  expect(lines('x', { mirrors: ['https://m.example/debian/'] })).toEqual(['deb https://m.example/debian x main'])
  expect(lines('x', { mirrors: ['deb [signed-by=/k] http://m/d y main extra'] })).toEqual([
    'deb http://m/d y main extra',
  ])
  expect(() => lines('x', { mirrors: ['m.example'] })).toThrow('is no mirror')
})

it('folders that are merged into /usr are those of the architecture', () => {
  expect(mergedFolders('amd64')).toEqual(['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'])
  expect(mergedFolders('arm64')).toEqual(['bin', 'sbin', 'lib'])
})
