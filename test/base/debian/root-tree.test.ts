/** Packages put together: folders shared, links followed, the last file wins. */
import { describe, expect, it } from 'vitest'
import { rootTree } from '../../../src/base/debian/root-tree.ts'
import type { Entry, EntryType } from '../../../src/oci/contents.ts'

function entry(path: string, type: EntryType, rest: Partial<Entry> = {}): Entry {
  return { path, type, mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0n, ...rest }
}

function merged(...entries: readonly Entry[]): string[] {
  const tree = rootTree(7n)
  for (const each of entries) tree.add(each)
  return tree.items().map(({ entry: e }) => `${e.type} ${e.path}${e.link === undefined ? '' : ` -> ${e.link}`}`)
}

describe('a tree of packages', () => {
  it('follows links to folders on the way, and keeps them where a package has the folder', () => {
    const links = [entry('usr/bin', 'dir'), entry('bin', 'symlink', { link: 'usr/bin' })]
    expect(merged(...links, entry('bin', 'dir'), entry('bin/sh', 'file'))).toEqual([
      'symlink bin -> usr/bin',
      'dir usr',
      'dir usr/bin',
      'file usr/bin/sh',
    ])
  })

  it('never leaves the root, by links nor by dots', () => {
    const paths = merged(entry('out', 'symlink', { link: '../../../etc' }), entry('etc', 'dir'), entry('out/x', 'file'))
    expect(paths).toContain('file etc/x')
  })

  it('has hard links last, to where their files really are', () => {
    const links = [entry('usr/bin', 'dir'), entry('bin', 'symlink', { link: 'usr/bin' })]
    const paths = merged(...links, entry('bin/a', 'file'), entry('b', 'hardlink', { link: 'bin/a' }))
    expect(paths.at(-1)).toBe('hardlink b -> usr/bin/a')
  })

  it('refuses a file where a folder is, and links in a circle', () => {
    expect(() => merged(entry('a/b', 'file'), entry('a', 'file'))).toThrow('/a is a folder and a file')
    const circle = [entry('x', 'symlink', { link: 'y' }), entry('y', 'symlink', { link: 'x' })]
    expect(() => merged(...circle, entry('x/z', 'file'))).toThrow('through too many links')
  })
})
