/** What a draft says was changed through its mount. */
import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { makeNode, setTimes } from '../../../src/host/files.ts'
import { removeXattr, setXattr } from '../../../src/host/xattrs.ts'
import { capability } from './apply-cases.ts'
import {
  type Case,
  type Item,
  applyChanges,
  changesOf,
  commitLayer,
  listed,
  moment,
  portrait,
  viewed,
} from './bench.ts'

const base: readonly Item[] = [
  { path: 'd', type: 'dir', mode: 0o2755 },
  { path: 'd/a', type: 'file', bytes: 'a' },
  { path: 'd/b', type: 'file', bytes: 'b' },
  { path: 'd/sub', type: 'dir' },
  { path: 'd/sub/deep', type: 'file', bytes: 'deep' },
  { path: 'empty', type: 'dir' },
  { path: 'f', type: 'file', bytes: 'f', xattrs: { 'user.one': '1' } },
  { path: 'h1', type: 'file', bytes: 'linked' },
  { path: 'h2', type: 'hardlink', link: 'h1' },
  { path: 'l', type: 'symlink', link: 'd' },
]

/** A case: edit the base through a mount, and find these changes. */
function edit(name: string, change: (at: (path: string) => string) => void, expected: readonly string[]): Case {
  return {
    name,
    async run(bench) {
      const stack = await commitLayer(bench, [], base)
      const changes = await changesOf(bench, stack, (root) => change((path) => join(root, path)))
      assert.deepEqual(listed(changes), expected)
    },
  }
}

/** Cases about changes. */
export const changeCases: readonly Case[] = [
  edit('finds nothing where nothing was done', (at) => void fs.readFileSync(at('d/a')), []),
  edit(
    'finds new and changed files with the folders above them',
    (at) => {
      fs.writeFileSync(at('d/sub/new'), 'new')
      fs.writeFileSync(at('f'), 'other')
    },
    ['dir d', 'dir d/sub', 'file d/sub/new', 'file f'],
  ),
  edit(
    'finds changes of metadata alone',
    (at) => {
      fs.chmodSync(at('d/a'), 0o600)
      fs.utimesSync(at('d/b'), 1, 1)
      fs.chmodSync(at('empty'), 0o700)
      setXattr(Buffer.from(at('f')), 'user.two', '2')
      fs.unlinkSync(at('l'))
      fs.symlinkSync('e', at('l'))
    },
    ['dir d', 'file d/a', 'file d/b', 'dir empty', 'file f', 'symlink l -> e'],
  ),
  edit('finds a removed attribute', (at) => removeXattr(Buffer.from(at('f')), 'user.one'), ['file f']),
  edit(
    'leaves out what was set to what it was',
    (at) => {
      fs.chmodSync(at('d/a'), 0o644)
      fs.chmodSync(at('d/sub'), 0o755)
      fs.chownSync(at('f'), 0, 0)
      fs.writeFileSync(at('d/x'), '')
      fs.unlinkSync(at('d/x'))
    },
    [],
  ),
  edit(
    'finds changed bytes behind an unchanged size and time',
    (at) => {
      fs.writeFileSync(at('d/a'), 'A')
      setTimes(Buffer.from(at('d/a')), { mtime: moment })
    },
    ['dir d', 'file d/a'],
  ),
  edit(
    'finds deletions, each once, before additions in the same folder',
    (at) => {
      fs.writeFileSync(at('d/0'), 'new')
      fs.unlinkSync(at('d/b'))
      fs.rmSync(at('d/sub'), { recursive: true })
      fs.rmSync(at('empty'), { recursive: true })
      fs.unlinkSync(at('l'))
    },
    ['whiteout empty', 'whiteout l', 'dir d', 'whiteout d/b', 'whiteout d/sub', 'file d/0'],
  ),
  edit(
    'forgets what was made and deleted',
    (at) => {
      fs.mkdirSync(at('t'))
      fs.writeFileSync(at('t/x'), '')
      fs.rmSync(at('t'), { recursive: true })
    },
    [],
  ),
  edit(
    'replaces a folder by a file and a file by a folder',
    (at) => {
      fs.rmSync(at('d'), { recursive: true })
      fs.writeFileSync(at('d'), 'file')
      fs.unlinkSync(at('f'))
      fs.mkdirSync(at('f'))
    },
    ['file d', 'dir f'],
  ),
  edit(
    'pairs hard links: the first name is the file',
    (at) => {
      fs.writeFileSync(at('z'), 'z')
      fs.linkSync(at('z'), at('d/y'))
      fs.linkSync(at('z'), at('x'))
    },
    ['dir d', 'file d/y', 'hardlink x -> d/y', 'hardlink z -> d/y'],
  ),
  edit('brings the bytes again for a new name of an old file', (at) => fs.linkSync(at('f'), at('g')), [
    'file f',
    'hardlink g -> f',
  ]),
  edit(
    'finds fifos and leaves out sockets',
    (at) => {
      makeNode(Buffer.from(at('pipe')), { type: 'fifo', mode: 0o600 })
      // By a short path: one of a socket has 107 bytes at most.
      const before = process.cwd()
      process.chdir(at('.'))
      createServer().listen('socket').unref()
      process.chdir(before)
    },
    ['fifo pipe'],
  ),
  {
    name: 'gives what is below a folder that was deleted and made anew',
    async run(bench) {
      const stack = await commitLayer(bench, [], base)
      const changes = await changesOf(bench, stack, (root) => {
        fs.rmSync(join(root, 'd'), { recursive: true })
        fs.mkdirSync(join(root, 'd'))
        fs.writeFileSync(join(root, 'd/new'), 'new')
      })
      const names = listed(changes)
      const isOpaque = names.includes('opaque d')
      assert.deepEqual(
        names,
        isOpaque
          ? ['dir d', 'opaque d', 'file d/new']
          : ['dir d', 'whiteout d/a', 'whiteout d/b', 'whiteout d/sub', 'file d/new'],
      )
      assert.equal(isOpaque, bench.snapshots.driver === 'overlay')
    },
  },
  {
    name: 'marks no new folder as opaque',
    async run(bench) {
      const stack = await commitLayer(bench, [], base)
      const changes = await changesOf(bench, stack, (root) =>
        fs.mkdirSync(join(root, 'd/new/newer'), { recursive: true }),
      )
      assert.deepEqual(listed(changes), ['dir d', 'dir d/new', 'dir d/new/newer'])
    },
  },
  {
    name: 'reads file capabilities in version 2, and times in ns',
    async run(bench) {
      const stack = await commitLayer(bench, [], base)
      const changes = await changesOf(bench, stack, (root) => {
        const path = Buffer.from(join(root, 'd/a'))
        setXattr(path, 'security.capability', capability)
        setTimes(path, { mtime: 987_654_321_987_654_321n })
      })
      const file = changes.find(({ entry }) => entry.path === 'd/a')?.entry
      assert.deepEqual(file?.xattrs, { 'security.capability': capability })
      assert.equal(file.mtime, 987_654_321_987_654_321n)
    },
  },
  {
    name: 'keeps names that are not UTF-8',
    async run(bench) {
      const stack = await commitLayer(
        bench,
        [],
        [
          { path: 'caf\xe9', type: 'dir' },
          { path: 'caf\xe9/\xff', type: 'file' },
        ],
      )
      const changes = await changesOf(bench, stack, (root) => {
        const inside = (name: string): Buffer =>
          Buffer.concat([Buffer.from(`${root}/caf`), Buffer.from(name, 'latin1')])
        fs.unlinkSync(inside('\xe9/\xff'))
        fs.writeFileSync(inside('\xe9/\xfe\x01'), 'x')
        fs.symlinkSync(Buffer.from('\x80', 'latin1'), inside('\xe8'))
      })
      assert.deepEqual(listed(changes), [
        'symlink caf\xe8 -> \x80',
        'dir caf\xe9',
        'whiteout caf\xe9/\xff',
        'file caf\xe9/\xfe\x01',
      ])
    },
  },
  {
    name: 'leaves out mount points that it had to make, if they are still empty',
    async run(bench) {
      const excluded = ['dev', 'etc/resolv.conf', 'etc/hosts', 'proc', 'run/secrets', 'd']
      const make = (root: string): void => {
        for (const path of ['dev', 'proc', 'etc', 'run/secrets']) fs.mkdirSync(join(root, path), { recursive: true })
        for (const path of ['etc/resolv.conf', 'etc/hosts']) fs.writeFileSync(join(root, path), '')
      }
      assert.deepEqual(listed(await changesOf(bench, [], make, excluded)), [])
      const stack = await commitLayer(bench, [], base)
      const changes = await changesOf(
        bench,
        stack,
        (root) => {
          make(root)
          fs.writeFileSync(join(root, 'etc/hosts'), 'mine')
          fs.writeFileSync(join(root, 'proc/x'), '')
          fs.chmodSync(join(root, 'd'), 0o711)
        },
        excluded,
      )
      assert.deepEqual(listed(changes), ['dir d', 'dir etc', 'file etc/hosts', 'dir proc', 'file proc/x'])
    },
  },
  {
    name: 'gives the metadata of the root folder only if it changed',
    async run(bench) {
      const stack = await commitLayer(bench, [], [{ path: '', type: 'dir', mode: 0o750 }])
      const kept = await changesOf(bench, stack, (root) => fs.writeFileSync(join(root, 'x'), ''))
      assert.deepEqual(listed(kept), ['file x'])
      const changed = await changesOf(bench, stack, (root) => fs.chmodSync(root, 0o711))
      assert.deepEqual(listed(changed), ['dir '])
    },
  },
  {
    name: 'says who a file is as the mount showed it, also if it came from below and was renamed',
    async run(bench) {
      const stack = await commitLayer(bench, [], base)
      const seen = new Map<string, string>()
      const changes = await changesOf(bench, stack, (root) => {
        fs.chmodSync(join(root, 'd/a'), 0o600)
        fs.renameSync(join(root, 'd/b'), join(root, 'moved'))
        fs.writeFileSync(join(root, 'new'), 'new')
        fs.chmodSync(join(root, 'd/sub'), 0o700)
        for (const path of ['d/a', 'moved', 'new', 'd/sub']) {
          const { ino, birthtimeNs } = fs.lstatSync(join(root, path), { bigint: true })
          seen.set(path, `${ino}:${birthtimeNs}`)
        }
      })
      for (const { entry, identity } of changes)
        if (seen.has(entry.path)) assert.equal(identity, seen.get(entry.path), entry.path)
    },
  },
  {
    name: 'counts as changed what got an owner that the disk does not show',
    async run(bench) {
      const draft = await bench.snapshots.begin(await commitLayer(bench, [], base))
      const tree = await draft.mount()
      const owned = new Set<string>()
      for (const path of ['d/a', 'empty']) {
        // A recorder forces the copy-up, which the same mode again does.
        const at = join(tree.path, path)
        fs.chmodSync(at, fs.lstatSync(at).mode & 0o7777)
        const { ino, birthtimeNs } = fs.lstatSync(at, { bigint: true })
        owned.add(`${ino}:${birthtimeNs}`)
      }
      await tree.unmount()
      assert.deepEqual(listed([...draft.changes({ excluded: [] })]), [])
      assert.deepEqual(listed([...draft.changes({ excluded: [], owned })]), ['dir d', 'file d/a', 'dir empty'])
      await draft.discard()
    },
  },
  {
    name: 'stacks layers: what was applied, changed, committed and applied elsewhere looks the same',
    async run(bench) {
      const { snapshots } = bench
      const lower = await commitLayer(bench, [], base)
      const draft = await snapshots.begin(lower)
      const tree = await draft.mount()
      fs.rmSync(join(tree.path, 'd/sub'), { recursive: true })
      fs.writeFileSync(join(tree.path, 'd/sub'), 'file')
      fs.linkSync(join(tree.path, 'h1'), join(tree.path, 'h0'))
      fs.rmdirSync(join(tree.path, 'empty'))
      fs.mkdirSync(join(tree.path, 'empty'), { mode: 0o700 })
      fs.renameSync(join(tree.path, 'd/b'), join(tree.path, 'moved'))
      const before = portrait(tree.path)
      await tree.unmount()
      const copy = await snapshots.begin(lower)
      applyChanges(copy, draft.changes({ excluded: [] }))
      const names = ['sha256:'.padEnd(71, '1'), 'sha256:'.padEnd(71, '2')] as `sha256:${string}`[]
      await snapshots.commit(draft, names[0]!)
      await snapshots.commit(copy, names[1]!)
      for (const name of names) assert.deepEqual(await viewed(bench, [...lower, name], portrait), before)
    },
  },
]
