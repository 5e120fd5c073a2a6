/** How snapshots come and go. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { digestOf, hexOf } from '../../../src/core/digest.ts'
import { unmount } from '../../../src/host/mounts.ts'
import { mountWithOptions } from '../../../src/rootfs/mount-overlay.ts'
import { settle, sweepDrafts } from '../../../src/rootfs/shelf.ts'
import { type Bench, type Case, applyItems, commitLayer, textAt, viewed } from './bench.ts'

const one = [{ path: 'one', type: 'file', bytes: '1' }] as const

function drafts({ dir }: Bench): string[] {
  return readdirSync(join(dir, 'drafts'))
}

/** Cases about the lifecycle. */
export const lifeCases: readonly Case[] = [
  {
    name: 'has what was committed until it is removed, and leaves no drafts',
    async run(bench) {
      const { snapshots } = bench
      const [chainId] = await commitLayer(bench, [], one)
      assert.equal(await snapshots.has(chainId!), true)
      await viewed(bench, [chainId!], (root) => assert.equal(textAt(root, 'one'), '1'))
      await snapshots.remove(chainId!)
      assert.equal(await snapshots.has(chainId!), false)
      await snapshots.remove(chainId!)
      assert.deepEqual(drafts(bench), [])
    },
  },
  {
    name: 'keeps the first of two commits under one name',
    async run(bench) {
      const { snapshots } = bench
      const chainId = digestOf('twice')
      for (const bytes of ['1', '2']) {
        const draft = await snapshots.begin([])
        applyItems(draft, [{ path: 'one', type: 'file', bytes }])
        await snapshots.commit(draft, chainId)
      }
      await viewed(bench, [chainId], (root) => assert.equal(textAt(root, 'one'), '1'))
      assert.deepEqual(drafts(bench), [])
    },
  },
  {
    name: 'does not trust a snapshot of another boot until it was settled',
    async run(bench) {
      const { snapshots, dir } = bench
      const [chainId] = await commitLayer(bench, [], one)
      const state = join(dir, hexOf(chainId!), 'state')
      assert.equal(await settle(dir, Date.now()), 0, 'somebody is making snapshots')
      assert.notEqual(readFileSync(state, 'latin1'), 'durable')
      assert.equal(await settle(dir, Date.now() + 61_000), 1)
      assert.equal(readFileSync(state, 'latin1'), 'durable')
      assert.equal(await snapshots.has(chainId!), true)
      for (const torn of ['00000000', '']) {
        writeFileSync(state, torn)
        assert.equal(await snapshots.has(chainId!), false)
        await assert.rejects(async () => snapshots.view([chainId!]), { code: 'store-corrupt' })
        const draft = await snapshots.begin([])
        applyItems(draft, [{ path: 'one', type: 'file', bytes: 'again' }])
        await snapshots.commit(draft, chainId!)
        await viewed(bench, [chainId!], (root) => assert.equal(textAt(root, 'one'), 'again'))
      }
    },
  },
  {
    name: 'sweeps the drafts of dead processes and no others',
    async run(bench) {
      const draft = await bench.snapshots.begin([])
      const dead = join(bench.dir, 'drafts/00000000-1-1-1-0123456789abcdef-draft')
      mkdirSync(join(dead, 'fs/deep/er'), { recursive: true })
      writeFileSync(Buffer.from(`${dead}/fs/\xff`, 'latin1'), '')
      utimesSync(dead, 1, 1)
      sweepDrafts(bench.dir)
      assert.equal(existsSync(dead), false)
      assert.equal(existsSync(draft.dir), true)
      await draft.discard()
      assert.deepEqual(drafts(bench), [])
    },
  },
  {
    name: 'discards a draft while it is mounted',
    async run(bench) {
      const draft = await bench.snapshots.begin(await commitLayer(bench, [], one))
      const { path } = await draft.mount()
      writeFileSync(join(path, 'two'), '2')
      await draft.discard()
      assert.deepEqual(drafts(bench), [])
    },
  },
  {
    name: 'mounts a draft again after it was unmounted, and a commit has both writes',
    async run(bench) {
      const lower = await commitLayer(bench, [], one)
      const draft = await bench.snapshots.begin(lower)
      for (const name of ['a', 'b']) {
        const tree = await draft.mount()
        writeFileSync(join(tree.path, name), name)
        await tree.unmount()
      }
      const chainId = digestOf('both')
      await bench.snapshots.commit(draft, chainId)
      assert.deepEqual(await viewed(bench, [...lower, chainId], (root) => readdirSync(root)), ['a', 'b', 'one'])
      assert.deepEqual(readdirSync(join(bench.dir, hexOf(chainId))).sort(), ['fs', 'state'])
    },
  },
  {
    name: 'views scratch, and writes into it',
    async run(bench) {
      assert.deepEqual(await viewed(bench, [], (root) => readdirSync(root)), [])
      const draft = await bench.snapshots.begin([])
      const tree = await draft.mount()
      writeFileSync(join(tree.path, 'x'), 'x')
      await tree.unmount()
      assert.deepEqual(
        [...draft.changes({ excluded: [] })].map(({ entry }) => entry.path),
        ['x'],
      )
      await draft.discard()
    },
  },
  {
    name: 'refuses parents that are not there',
    async run({ snapshots }) {
      await assert.rejects(async () => snapshots.begin([digestOf('nobody')]), { code: 'store-corrupt' })
    },
  },
  {
    name: 'mounts many layers by short names on kernels that take no long list',
    async run({ snapshots, dir }) {
      if (snapshots.driver === 'copy') return Promise.resolve()
      const folder = (name: string): string => {
        mkdirSync(join(dir, name), { recursive: true })
        return join(dir, name)
      }
      const lowers = Array.from({ length: 100 }, (_, i) => folder(`${'long name, with: signs '.repeat(5)}${i}`))
      lowers.forEach((lower, i) => writeFileSync(join(lower, `f${i}`), ''))
      const upper = { dir: folder('upper'), work: folder('work') }
      const target = folder('target')
      mountWithOptions({ lowers, upper, target, scratch: join(dir, 'names') })
      try {
        writeFileSync(join(target, 'new'), '')
        assert.equal(readdirSync(target).length, 101)
        assert.deepEqual(readdirSync(upper.dir), ['new'])
      } finally {
        unmount(target)
      }
      return Promise.resolve()
    },
  },
  {
    name: 'stacks a hundred layers',
    async run(bench) {
      let stack = await commitLayer(bench, [], one)
      for (let i = 0; i < 100; i++)
        stack = await commitLayer(bench, stack, [{ path: `f${i}`, type: 'file', bytes: `${i}` }])
      assert.equal(await viewed(bench, stack, (root) => readdirSync(root).length), 101)
    },
  },
]
