import { describe, expect, test } from 'vitest'
import {
  type FileOwner,
  type LowerOwners,
  ownedBeyond,
  withDevices,
  withOwners,
  withOwnersBelow,
} from '../../src/layer/owners.ts'
import type { Entry, EntryType } from '../../src/oci/contents.ts'
import type { TreeView } from '../../src/oci/tree.ts'
import type { Change } from '../../src/rootfs/contract.ts'

const entry = (path: string, type: EntryType, owner = [0, 0], link?: string): Entry => {
  return { path, type, mode: 0o644, uid: owner[0]!, gid: owner[1]!, size: 0, mtime: 0n, link }
}
const file = (path: string, identity: string, fresh = true): Change => {
  return { entry: entry(path, 'file'), source: `/disk/${path}`, identity, fresh }
}
const lowerOf = (owners: Record<string, FileOwner>, linked: Record<string, FileOwner> = {}): LowerOwners => {
  return { of: (identity) => owners[identity], linked: new Map(Object.entries(linked)) }
}
const nothing = lowerOf({})
const owner = (uid: number, gid: number): FileOwner => ({ uid, gid })
const shown = (items: Iterable<{ readonly entry: Entry }>): unknown[] =>
  [...items].map(({ entry: e }) => [e.path, e.uid, e.gid])

describe('owners in single mode', () => {
  test('are those that were asked for, else those that the file has below, wherever it is now, else root', () => {
    const changes = [file('asked', '1:1'), file('moved', '2:2'), file('replaced', '3:3', false)]
    const items = [...withOwners(changes, new Map([['1:1', owner(7, 8)]]), lowerOf({ '2:2': owner(1, 2) }))]
    expect(shown(items)).toEqual([
      ['asked', 7, 8],
      ['moved', 1, 2],
      ['replaced', 0, 0],
    ])
    expect(items[0]?.source).toEqual({ path: '/disk/asked', offset: 0 })
  })

  test('of halves that were not asked for are those below', () => {
    const recorded = new Map([
      ['1:1', owner(-1, 9)],
      ['4:4', owner(9, -1)],
    ])
    const items = withOwners([file('a', '1:1'), file('new', '4:4')], recorded, lowerOf({ '1:1': owner(1, 2) }))
    expect(shown(items)).toEqual([
      ['a', 1, 9],
      ['new', 9, 0],
    ])
  })

  test('of a file with several names are known by its name when it was changed', () => {
    expect(shown(withOwners([file('x', '9:9', false)], new Map(), lowerOf({}, { x: owner(1, 2) })))).toEqual([
      ['x', 1, 2],
    ])
  })

  test('of what is new in a setgid folder have the group of that', () => {
    const folder: Change = { entry: { ...entry('d', 'dir'), mode: 0o2775 }, identity: '1:1', fresh: true }
    const changes = [folder, file('d/new', '2:2'), file('d/old', '3:3', false), file('d/half', '4:4')]
    const recorded = new Map([
      ['1:1', owner(5, 50)],
      ['4:4', owner(6, -1)],
    ])
    expect(shown(withOwners(changes, recorded, nothing))).toEqual([
      ['d', 5, 50],
      ['d/new', 0, 50],
      ['d/old', 0, 0],
      ['d/half', 6, 50],
    ])
  })

  test('are shared by all names of a file', () => {
    const link: Change = { entry: entry('y', 'hardlink', [0, 0], 'x'), source: '/disk/y', identity: '9:9', fresh: true }
    expect(shown(withOwners([file('x', '9:9'), link], new Map([['9:9', owner(1, 1)]]), nothing))).toEqual([
      ['x', 1, 1],
      ['y', 1, 1],
    ])
  })

  test('are a change only if they differ from those below', () => {
    const recorded = new Map([
      ['1:1', owner(1, 2)],
      ['2:2', owner(-1, 0)],
      ['3:3', owner(3, 3)],
    ])
    const beyond = ownedBeyond(recorded, lowerOf({ '1:1': owner(1, 2) }))
    expect(['1:1', '2:2', '3:3', '4:4'].map((identity) => beyond.has(identity))).toEqual([false, false, true, false])
  })

  test('of a deletion are nobody', () => {
    const whiteout: Change = { entry: entry('a', 'whiteout'), fresh: false }
    expect([...withOwners([whiteout], new Map(), lowerOf({}, { a: owner(1, 2) }))]).toEqual([
      { entry: entry('a', 'whiteout'), source: undefined },
    ])
  })

  test('come from the same path where nothing could be recorded, if that is of the same type', () => {
    const below = new Map(
      [entry('a', 'file', [1, 2]), entry('d', 'dir', [3, 4]), entry('h', 'hardlink', [5, 6], 'a')].map((e) => [
        e.path,
        e,
      ]),
    )
    const view: TreeView = { lookup: (path) => below.get(path), list: () => [] }
    const changes = [file('a', '1:1'), file('d', '2:2'), file('h', '3:3')]
    expect(shown(withOwnersBelow(changes, view))).toEqual([
      ['a', 1, 2],
      ['d', 0, 0],
      ['h', 5, 6],
    ])
  })
})

test('an empty file stands for a device, with its own owner where owners are real', () => {
  const device = { type: 'char', major: 1, minor: 3 } as const
  const change: Change = { ...file('null', '1:1'), entry: entry('null', 'file', [4, 5]) }
  const recorded = new Map([['1:1', { uid: 0, gid: 0, device }]])
  const [real] = withDevices([change], recorded)
  expect(real).toMatchObject({ entry: { type: 'char', uid: 4, gid: 5, devMajor: 1, devMinor: 3 }, source: undefined })
  const [emulated] = withOwners([change], recorded, nothing)
  expect(emulated).toMatchObject({ entry: { type: 'char', uid: 0, gid: 0 }, source: undefined })
})
