/** What a stack of layers amounts to. */
import { describe, expect, it } from 'vitest'
import { mergeLayers } from '../../src/oci/tree-merge.ts'
import { dir, file, hardlink, opaque, symlink, whiteout } from './tree-entries.ts'

describe('merged layers', () => {
  it('have what every layer adds, and say which one', () => {
    const tree = mergeLayers([[dir('a'), file('a/x')], [file('a/y')]])
    expect(tree.list('a')).toEqual(['x', 'y'])
    expect([tree.layerOf('a'), tree.layerOf('a/x'), tree.layerOf('a/y'), tree.layerOf('none')]).toEqual([
      0,
      0,
      1,
      undefined,
    ])
  })

  it('lose what a whiteout names, and all below it', () => {
    const tree = mergeLayers([
      [dir('a'), dir('a/b'), file('a/b/c'), file('keep')],
      [whiteout('a/b'), whiteout('none/x')],
    ])
    expect([tree.lookup('a/b'), tree.lookup('a/b/c')]).toEqual([undefined, undefined])
    expect(tree.list('')).toEqual(['a', 'keep'])
  })

  it('do not lose what the whiteout’s own layer adds, whatever the order', () => {
    const tree = mergeLayers([[file('a')], [file('a', { mode: 0o600 }), whiteout('a')]])
    expect(tree.lookup('a')?.mode).toBe(0o600)
  })

  it('hide lower contents of an opaque folder alone', () => {
    const tree = mergeLayers([
      [dir('d'), file('d/old'), file('e')],
      [file('d/new'), dir('d'), opaque('d')],
    ])
    expect(tree.list('d')).toEqual(['new'])
    expect(tree.lookup('e')).toBeDefined()
  })

  it('keep contents when a folder comes over a folder, and take its metadata', () => {
    const tree = mergeLayers([[dir('d'), file('d/x')], [dir('d', { mode: 0o700, uid: 5 })]])
    expect(tree.lookup('d')).toMatchObject({ mode: 0o700, uid: 5 })
    expect(tree.list('d')).toEqual(['x'])
  })

  it('replace folders by files and files by folders whole', () => {
    const tree = mergeLayers([
      [dir('a'), file('a/x'), file('b')],
      [file('a'), dir('b'), file('b/y')],
    ])
    expect(tree.lookup('a')?.type).toBe('file')
    expect(tree.lookup('a/x')).toBeUndefined()
    expect(tree.list('b')).toEqual(['y'])
  })

  it('replace a link to a folder by a folder', () => {
    const tree = mergeLayers([
      [dir('usr'), symlink('lib', 'usr')],
      [dir('lib'), file('lib/x')],
    ])
    expect(tree.lookup('lib')?.type).toBe('dir')
    expect(tree.lookup('usr/x')).toBeUndefined()
  })

  it('show a hard link as the file that it names, also in a lower layer', () => {
    const target = file('a', { mode: 0o755, uid: 7, offset: 1024 })
    const tree = mergeLayers([
      [target, hardlink('b', 'a')],
      [hardlink('c', 'a'), hardlink('d', 'c')],
    ])
    for (const path of ['b', 'c', 'd']) expect(tree.lookup(path)).toEqual({ ...target, path })
    expect([tree.layerOf('b'), tree.layerOf('d')]).toEqual([0, 0])
  })

  it('imply folders that no layer lists, and the root', () => {
    const tree = mergeLayers([[file('x/y/z')]])
    expect(tree.lookup('x/y')).toMatchObject({ type: 'dir', mode: 0o755, uid: 0, gid: 0 })
    expect(tree.layerOf('x/y')).toBeUndefined()
    expect(tree.lookup('')).toMatchObject({ type: 'dir', path: '' })
    expect(mergeLayers([]).list('')).toEqual([])
  })

  it('list names by their bytes', () => {
    const tree = mergeLayers([[file('b'), file('\xff'), file('a-'), file('a'), file('A')]])
    expect(tree.list('')).toEqual(['A', 'a', 'a-', 'b', '\xff'])
    expect(tree.list('b')).toEqual([])
  })
})
