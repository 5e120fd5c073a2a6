/** Links are followed within the tree, and only there. */
import { describe, expect, it } from 'vitest'
import { mergeLayers } from '../../src/oci/tree-merge.ts'
import { resolveInTree } from '../../src/oci/tree-resolve.ts'
import { dir, file, symlink } from './tree-entries.ts'

const tree = mergeLayers([
  [
    dir('usr/lib'),
    file('usr/lib/x'),
    symlink('lib', 'usr/lib'),
    symlink('abs', '/usr/lib'),
    symlink('up', '../../../../usr'),
    symlink('usr/back', '../lib/x'),
    symlink('dangling', 'nowhere/at/all'),
    symlink('loop', 'loop2'),
    symlink('loop2', 'loop/x'),
    symlink('chain', 'abs/'),
  ],
])

describe('resolving', () => {
  it.each([
    ['lib/x', 'usr/lib/x'],
    ['/abs/x', 'usr/lib/x'],
    ['up/lib', 'usr/lib'],
    ['usr/back', 'usr/lib/x'],
    ['dangling/y', 'nowhere/at/all/y'],
    ['../../etc/passwd', 'etc/passwd'],
    ['new/./a//b/../c', 'new/a/c'],
    ['chain/x', 'usr/lib/x'],
    ['lib/..', 'usr'],
    ['', ''],
  ])('%s leads to "%s"', (path, target) => expect(resolveInTree(tree, path, { followLast: true })).toBe(target))

  it('leaves a link at the end alone if asked to', () => {
    expect(resolveInTree(tree, 'lib', { followLast: false })).toBe('lib')
    expect(resolveInTree(tree, 'abs/x', { followLast: false })).toBe('usr/lib/x')
    expect(resolveInTree(tree, 'lib/.', { followLast: false })).toBe('lib')
  })

  it('ends a loop with an error', () => {
    expect(() => resolveInTree(tree, 'loop', { followLast: true })).toThrow(/255 symbolic links/)
  })
})
