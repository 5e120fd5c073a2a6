/** How layers' entries land in a tree, hostile ones included. */
import assert from 'node:assert/strict'
import { type BigIntStats, existsSync, lstatSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { getXattr, readXattrs } from '../../../src/host/xattrs.ts'
import { type Case, type Item, applyItems, commitLayer, moment, portrait, textAt, viewed } from './bench.ts'

/** A file capability in version 2: cap_net_bind_service=ep. */
export const capability = '\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0'

const base: readonly Item[] = [
  { path: '', type: 'dir', mode: 0o755 },
  { path: 'd', type: 'dir', mode: 0o2750, mtime: moment + 5n },
  { path: 'd/old', type: 'file', bytes: 'old' },
  { path: 'd/sub', type: 'dir' },
  { path: 'd/sub/deep', type: 'file', bytes: 'deep' },
  { path: 'f', type: 'file', bytes: 'f' },
  { path: 'l', type: 'symlink', link: 'd' },
]

function stat(root: string, path: string): BigIntStats {
  return lstatSync(join(root, path), { bigint: true })
}

/** Cases about one layer, or a layer on another. */
export const applyCases: readonly Case[] = [
  {
    name: 'keeps modes, times in ns, links, fifos, attributes and file capabilities',
    async run(bench) {
      const stack = await commitLayer(
        bench,
        [],
        [
          { path: 'bin', type: 'dir', mode: 0o1777, mtime: moment + 1n },
          { path: 'bin/su', type: 'file', bytes: 'su', mode: 0o4755, xattrs: { 'security.capability': capability } },
          { path: 'bin/sg', type: 'hardlink', link: 'bin/su' },
          { path: 'bin/x', type: 'file', bytes: 'x', mode: 0, xattrs: { 'user.one': 'a\0b\xff' } },
          { path: 'link', type: 'symlink', link: '/no/where', mtime: moment + 2n },
          { path: 'fifo', type: 'fifo', mode: 0o622 },
        ],
      )
      await viewed(bench, stack, (root) => {
        const su = stat(root, 'bin/su')
        assert.equal(su.mode, 0o104755n)
        assert.equal(su.mtimeNs, moment)
        assert.equal(su.ino, stat(root, 'bin/sg').ino)
        assert.equal(getXattr(Buffer.from(join(root, 'bin/su')), 'security.capability'), capability)
        assert.equal(getXattr(Buffer.from(join(root, 'bin/x')), 'user.one'), 'a\0b\xff')
        const bin = lstatSync(join(root, 'bin'), { bigint: true })
        assert.equal(bin.mode, 0o41777n)
        assert.equal(bin.mtimeNs, moment + 1n)
        assert.equal(lstatSync(join(root, 'link'), { bigint: true }).mtimeNs, moment + 2n)
        assert.ok(lstatSync(join(root, 'fifo')).isFIFO())
        assert.equal(lstatSync(join(root, 'fifo')).mode & 0o7777, 0o622)
      })
    },
  },
  {
    name: 'gives files their owners, after which setuid bits are set',
    async run(bench) {
      if (!bench.mapped) return
      const stack = await commitLayer(
        bench,
        [],
        [
          { path: 'd', type: 'dir', uid: 7, gid: 8, mode: 0o2755 },
          { path: 'd/f', type: 'file', bytes: 'x', uid: 5, gid: 6, mode: 0o6755 },
          { path: 'd/g', type: 'symlink', link: 'f', uid: 3, gid: 4 },
        ],
      )
      await viewed(bench, stack, (root) => {
        const [d, f, g] = ['d', 'd/f', 'd/g'].map((path) => lstatSync(join(root, path)))
        assert.deepEqual([d!.uid, d!.gid, f!.uid, f!.gid, g!.uid, g!.gid], [7, 8, 5, 6, 3, 4])
        assert.equal(f!.mode & 0o7777, 0o6755)
        assert.equal(d!.mode & 0o7777, 0o2755)
      })
    },
  },
  {
    name: 'gives a folder that the layer does not describe the metadata of the one below',
    async run(bench) {
      const stack = await commitLayer(bench, await commitLayer(bench, [], base), [
        { path: 'd/new', type: 'file', bytes: 'n' },
        { path: 'e/new', type: 'file', bytes: 'n' },
      ])
      await viewed(bench, stack, (root) => {
        const d = lstatSync(join(root, 'd'), { bigint: true })
        assert.equal(d.mode, 0o42750n)
        assert.equal(d.mtimeNs, moment + 5n)
        assert.deepEqual(readdirSync(join(root, 'd')), ['new', 'old', 'sub'])
        assert.equal(lstatSync(join(root, 'e')).mode & 0o7777, 0o755)
      })
    },
  },
  {
    name: 'links to files of lower layers',
    async run(bench) {
      const stack = await commitLayer(bench, await commitLayer(bench, [], base), [
        { path: 'again', type: 'hardlink', link: 'd/old' },
      ])
      await viewed(bench, stack, (root) => {
        assert.equal(textAt(root, 'again'), 'old')
        assert.equal(lstatSync(join(root, 'again'), { bigint: true }).mtimeNs, moment)
        assert.equal(lstatSync(join(root, 'again')).nlink, 2)
      })
    },
  },
  {
    name: 'deletes by whiteouts and hides by opaque folders, before and after what the layer brings',
    async run(bench) {
      const lower = await commitLayer(bench, [], base)
      const hides: Item[] = [
        { path: 'f', type: 'whiteout' },
        { path: 'd', type: 'opaque' },
        { path: 'l', type: 'whiteout' },
        { path: 'none/of/these', type: 'whiteout' },
      ]
      const brings: Item[] = [
        { path: 'd', type: 'dir' },
        { path: 'd/new', type: 'file', bytes: 'new' },
        { path: 'l', type: 'file', bytes: 'now a file' },
      ]
      const first = await viewed(bench, await commitLayer(bench, lower, [...hides, ...brings]), portrait)
      const last = await viewed(bench, await commitLayer(bench, lower, [...brings, ...hides]), portrait)
      assert.deepEqual(last, first)
      assert.deepEqual(
        first.map((line) => line.split(' ')[0]),
        ['', 'd', 'd/new', 'l'],
      )
    },
  },
  {
    name: 'shows nothing of a deleted folder in a new one of the same name',
    async run(bench) {
      const lower = await commitLayer(bench, [], base)
      for (const items of [
        [
          { path: 'd', type: 'whiteout' },
          { path: 'd/sub/x', type: 'file', bytes: 'x' },
        ],
        [
          { path: 'd/sub/x', type: 'file', bytes: 'x' },
          { path: 'd', type: 'whiteout' },
        ],
        [
          { path: 'd', type: 'file', bytes: 'file' },
          { path: 'd', type: 'dir' },
          { path: 'd/sub/x', type: 'file', bytes: 'x' },
        ],
      ] as Item[][]) {
        const stack = await commitLayer(bench, lower, items)
        await viewed(bench, stack, (root) => {
          assert.deepEqual(readdirSync(join(root, 'd')), ['sub'])
          assert.deepEqual(readdirSync(join(root, 'd/sub')), ['x'])
        })
      }
    },
  },
  {
    name: 'hides all of the layers below by an opaque root',
    async run(bench) {
      const stack = await commitLayer(bench, await commitLayer(bench, [], base), [
        { path: 'x', type: 'file', bytes: 'x' },
        { path: '', type: 'opaque' },
      ])
      assert.deepEqual(await viewed(bench, stack, (root) => readdirSync(root)), ['x'])
    },
  },
  {
    name: 'replaces folders by files and files by folders',
    async run(bench) {
      const stack = await commitLayer(bench, await commitLayer(bench, [], base), [
        { path: 'd', type: 'file', bytes: 'was a folder' },
        { path: 'f', type: 'dir' },
        { path: 'f/in', type: 'file', bytes: 'in' },
      ])
      await viewed(bench, stack, (root) => {
        assert.equal(textAt(root, 'd'), 'was a folder')
        assert.equal(textAt(root, 'f/in'), 'in')
      })
      const again = await commitLayer(bench, stack, [
        { path: 'd', type: 'dir' },
        { path: 'd/y', type: 'file', bytes: 'y' },
      ])
      assert.deepEqual(await viewed(bench, again, (root) => readdirSync(join(root, 'd'))), ['y'])
    },
  },
  {
    name: 'writes nothing through links, wherever they point and whoever made them',
    async run(bench) {
      const outside = join(bench.dir, '../outside')
      writeFileSync(outside, 'untouched')
      const up = '../'.repeat(20)
      const lower = await commitLayer(
        bench,
        [],
        [
          { path: 'below', type: 'symlink', link: join(bench.dir, '..') },
          { path: 'file', type: 'symlink', link: outside },
        ],
      )
      const stack = await commitLayer(bench, lower, [
        { path: 'abs', type: 'symlink', link: join(bench.dir, '..') },
        { path: 'rel', type: 'symlink', link: `${up}${join(bench.dir, '..')}` },
        { path: 'abs/outside', type: 'file', bytes: 'x' },
        { path: 'rel/outside', type: 'file', bytes: 'x' },
        { path: 'below/outside', type: 'file', bytes: 'x' },
        { path: 'file', type: 'file', bytes: 'x' },
        { path: 'self', type: 'symlink', link: outside },
        { path: 'self', type: 'dir', mode: 0o700 },
        { path: 'other', type: 'symlink', link: outside },
        { path: 'linked', type: 'hardlink', link: 'other' },
        { path: 'linked', type: 'file', bytes: 'x' },
        { path: 'gone', type: 'symlink', link: join(bench.dir, '..') },
        { path: 'gone/outside', type: 'whiteout' },
        { path: 'gone', type: 'opaque' },
      ])
      assert.equal(readFileSync(outside, 'latin1'), 'untouched')
      await viewed(bench, stack, (root) => {
        for (const path of ['abs', 'rel', 'below', 'self']) assert.ok(lstatSync(join(root, path)).isDirectory(), path)
        assert.ok(lstatSync(join(root, 'linked')).isFile())
        assert.ok(lstatSync(join(root, 'gone')).isSymbolicLink())
      })
    },
  },
  {
    name: 'refuses hard links to what is no file of the tree',
    async run(bench) {
      const lower = await commitLayer(bench, [], [...base, { path: 'abs', type: 'symlink', link: bench.dir }])
      for (const link of ['nothing', 'd', 'abs/x', '', 'f/x']) {
        const draft = await bench.snapshots.begin(lower)
        assert.throws(
          () => applyItems(draft, [{ path: 'h', type: 'hardlink', link }]),
          { code: 'archive-invalid' },
          link,
        )
        await draft.discard()
        assert.equal(existsSync(draft.dir), false)
      }
    },
  },
  {
    name: 'refuses names that are too long, and anything but a folder as the root',
    async run(bench) {
      for (const item of [
        { path: 'n'.repeat(300), type: 'file' },
        { path: 'a/'.repeat(5000) + 'b', type: 'file' },
        { path: '', type: 'file' },
        { path: '', type: 'whiteout' },
        { path: '', type: 'symlink', link: '/' },
      ] as const) {
        const draft = await bench.snapshots.begin([])
        assert.throws(() => applyItems(draft, [item]), { code: 'archive-invalid' }, item.path.slice(0, 20))
        await draft.discard()
      }
    },
  },
  {
    name: 'leaves out devices that the kernel refuses, and the device that overlayfs takes for a whiteout',
    async run(bench) {
      const stack = await commitLayer(bench, await commitLayer(bench, [], base), [
        { path: 'null', type: 'char', devMajor: 1, devMinor: 3 },
        { path: 'f', type: 'block', devMajor: 8, devMinor: 0 },
        { path: 'd', type: 'char', devMajor: 0, devMinor: 0 },
        { path: 'after', type: 'file', bytes: 'after' },
      ])
      await viewed(bench, stack, (root) => {
        assert.equal(existsSync(join(root, 'd')), false)
        assert.equal(textAt(root, 'f'), undefined)
        assert.equal(textAt(root, 'after'), 'after')
      })
    },
  },
  {
    name: "does not let a layer set overlayfs's own marks",
    async run(bench) {
      const marks = { 'user.overlay.opaque': 'y', 'trusted.overlay.opaque': 'y', 'user.overlay.redirect': '/etc' }
      const stack = await commitLayer(bench, await commitLayer(bench, [], base), [
        { path: 'd', type: 'dir', xattrs: { ...marks, 'user.fine': '1' } },
      ])
      await viewed(bench, stack, (root) => {
        assert.equal(textAt(root, 'd/old'), 'old')
        assert.deepEqual(readXattrs(Buffer.from(join(root, 'd'))), { 'user.fine': '1' })
      })
    },
  },
  {
    name: 'takes the last of two entries for one path',
    async run(bench) {
      const stack = await commitLayer(
        bench,
        [],
        [
          { path: 'x', type: 'dir' },
          { path: 'x/y', type: 'file', bytes: '1' },
          { path: 'x', type: 'file', bytes: '2' },
          { path: 'x', type: 'symlink', link: 'z' },
          { path: 'x', type: 'file', bytes: '3' },
        ],
      )
      await viewed(bench, stack, (root) => assert.equal(textAt(root, 'x'), '3'))
    },
  },
]
