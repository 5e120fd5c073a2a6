import { describe, expect, test } from 'vitest'
import type { Entry, EntryType } from '../../src/oci/contents.ts'
import type { TreeView } from '../../src/oci/tree.ts'
import { withOwners } from '../../src/layer/owners.ts'

const entry = (path: string, type: EntryType, owner = [0, 0], link?: string): Entry => {
  return { path, type, mode: 0o644, uid: owner[0]!, gid: owner[1]!, size: 0, mtime: 0n, link }
}
const below = new Map(
  [entry('a', 'file', [1, 2]), entry('d', 'dir', [3, 4]), entry('h', 'hardlink', [5, 6], 'a')].map((e) => [e.path, e]),
)
const view: TreeView = { lookup: (path) => below.get(path), list: () => [] }

describe('owners in single mode', () => {
  test('are those that were recorded, else those below if the type is the same, else root', () => {
    const changes = [
      { entry: entry('a', 'file'), source: '/disk/a', identity: '1:1' },
      { entry: entry('d', 'dir'), identity: '2:2' },
      { entry: entry('h', 'file'), source: '/disk/h', identity: '3:3' },
      { entry: entry('new', 'file'), source: '/disk/new', identity: '4:4' },
    ]
    const items = [...withOwners(changes, view, new Map([['2:2', { uid: 7, gid: 8 }]]))]
    expect(items.map(({ entry: e }) => [e.path, e.uid, e.gid])).toEqual([
      ['a', 1, 2],
      ['d', 7, 8],
      ['h', 5, 6],
      ['new', 0, 0],
    ])
    expect(items[0]?.source).toEqual({ path: '/disk/a', offset: 0 })
  })

  test('are completed from below where only a half was recorded', () => {
    const changes = [
      { entry: entry('a', 'file'), source: '/disk/a', identity: '1:1' },
      { entry: entry('new', 'file'), source: '/disk/new', identity: '4:4' },
    ]
    const recorded = new Map([
      ['1:1', { uid: -1, gid: 9 }],
      ['4:4', { uid: 9, gid: -1 }],
    ])
    const items = [...withOwners(changes, view, recorded)]
    expect(items.map(({ entry: e }) => [e.uid, e.gid])).toEqual([
      [1, 9],
      [9, 0],
    ])
  })

  test('are not taken from something else that was there', () => {
    const [item] = withOwners([{ entry: entry('d', 'file'), source: '/disk/d' }], view, new Map())
    expect([item?.entry.uid, item?.entry.gid]).toEqual([0, 0])
  })

  test('are shared by all names of a file', () => {
    const changes = [
      { entry: entry('x', 'file'), source: '/disk/x', identity: '9:9' },
      { entry: entry('y', 'hardlink', [0, 0], 'x'), source: '/disk/y', identity: '9:9' },
    ]
    const items = [...withOwners(changes, view, new Map([['9:9', { uid: 1, gid: 1 }]]))]
    expect(items.map(({ entry: e }) => e.uid)).toEqual([1, 1])
  })

  test('of a deletion are nobody', () => {
    const [item] = withOwners([{ entry: entry('a', 'whiteout') }], view, new Map())
    expect(item).toEqual({ entry: entry('a', 'whiteout'), source: undefined })
  })
})
