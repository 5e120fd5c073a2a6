import { describe, expect, test } from 'vitest'
import { resolvePath } from '../../src/rootfs/paths.ts'

const links: Readonly<Record<string, string>> = {
  'etc/alternatives': '/usr/alt',
  lib: 'usr/lib',
  'usr/lib/up': '../../../../../etc',
  loop: 'loop',
  'a/abs': '/',
  dangling: 'no/where',
}
const follow = (path: string): string => resolvePath(path, (at) => links[at], 'follow')

describe('a path in a root', () => {
  test('follows links in each part, absolute ones from the root', () => {
    expect(follow('lib/x')).toBe('usr/lib/x')
    expect(follow('/etc/alternatives/./cc')).toBe('usr/alt/cc')
    expect(follow('a/abs/lib')).toBe('usr/lib')
  })

  test('never leaves the root', () => {
    expect(follow('../../x')).toBe('x')
    expect(follow('lib/up/passwd')).toBe('etc/passwd')
    expect(follow('lib/../x')).toBe('usr/x')
    expect(follow('/..')).toBe('')
  })

  test('goes on where nothing is', () => {
    expect(follow('dangling/x')).toBe('no/where/x')
  })

  test('keeps a link at the end if asked to', () => {
    expect(resolvePath('lib', (at) => links[at], 'keep')).toBe('lib')
    expect(resolvePath('lib/up', (at) => links[at], 'keep')).toBe('usr/lib/up')
    expect(resolvePath('lib/', (at) => links[at], 'keep')).toBe('lib')
  })

  test('gives up on loops', () => {
    expect(() => follow('loop/x')).toThrow(expect.objectContaining({ code: 'archive-invalid' }))
  })
})
