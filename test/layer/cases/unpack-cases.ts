/** Layers' archives into trees, the hostile ones too. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { digestOf } from '../../../src/core/digest.ts'
import { setXattr } from '../../../src/host/xattrs.ts'
import { sealLayer } from '../../../src/layer/seal.ts'
import { unpackLayer } from '../../../src/layer/unpack.ts'
import { type Bench, type Case, portrait, viewed } from '../../rootfs/cases/bench.ts'
import { rawTar } from '../items.ts'

const never = new AbortController().signal

async function unpacked(
  { snapshots }: Bench,
  parents: readonly `sha256:${string}`[],
  tar: Buffer | string,
): Promise<`sha256:${string}`[]> {
  const draft = await snapshots.begin(parents)
  try {
    const applier = draft.applier({ owners: true })
    const { diffId } = await unpackLayer(
      { blobPath: typeof tar === 'string' ? tar : Readable.from([tar]), applier },
      never,
    )
    const chainId = digestOf(`${parents.join()} ${diffId}`)
    await snapshots.commit(draft, chainId)
    return [...parents, chainId]
  } catch (error) {
    await draft.discard()
    throw error
  }
}

/** A tree with some of everything, made by hand. */
function makeTree(root: string): void {
  mkdirSync(join(root, 'd/sub'), { recursive: true })
  writeFileSync(join(root, 'd/f'), 'text')
  linkSync(join(root, 'd/f'), join(root, 'd/sub/again'))
  symlinkSync('../f', join(root, 'd/sub/link'))
  writeFileSync(join(root, 'suid'), Buffer.alloc(5_000_000, 'big'))
  chmodSync(join(root, 'suid'), 0o4711)
  setXattr(Buffer.from(join(root, 'd/f')), 'user.note', 'a\0\xff')
  writeFileSync(Buffer.from(`${root}/\xe9\xff`, 'latin1'), '')
  for (const name of ['d/f', 'suid']) utimesSync(join(root, name), 1_600_000_000.25, 1_600_000_000.25)
}

/** Cases about archives. */
export const unpackCases: readonly Case[] = [
  {
    name: 'unpacks what GNU tar packed as GNU tar does, and seals what GNU tar unpacks alike',
    async run(bench) {
      const [from, to] = ['from', 'to'].map((name) => join(bench.dir, name)) as [string, string]
      for (const path of [from, to]) mkdirSync(path, { mode: 0o755 })
      makeTree(from)
      const tar = (...args: readonly string[]): unknown => execFileSync('tar', args, { cwd: bench.dir })
      tar('--format=pax', '--xattrs', '-czf', 'packed', '-C', from, '.')
      const stack = await unpacked(bench, [], join(bench.dir, 'packed'))
      const expected = portrait(from)
      assert.deepEqual(await viewed(bench, stack, portrait), expected)
      const draft = await bench.snapshots.begin([])
      const items = await viewed(bench, stack, async () => {
        await unpackLayer({ blobPath: join(bench.dir, 'packed'), applier: draft.applier({ owners: true }) }, never)
        return [...draft.changes({ excluded: [] })]
      })
      const sealItems = items.map(({ entry, source }) => ({
        entry,
        source: source === undefined ? undefined : { path: source, offset: 0 },
      }))
      sealLayer({ items: sealItems, tarPath: join(bench.dir, 'sealed'), contentsPath: join(bench.dir, 'list') })
      await draft.discard()
      tar('--xattrs', '-xpf', 'sealed', '-C', to)
      chmodSync(to, lstatSync(from).mode & 0o7777)
      assert.deepEqual(portrait(to), expected)
    },
  },
  {
    name: 'writes nothing outside, whatever an archive holds',
    async run(bench) {
      const outside = join(bench.dir, '../outside')
      writeFileSync(outside, 'untouched')
      const up = '../'.repeat(30)
      const bytes = 'owned'
      const around = readdirSync(join(bench.dir, '..'))
      const stack = await unpacked(
        bench,
        [],
        rawTar([
          { path: `${up}${outside}`, type: 'file', bytes },
          { path: outside, type: 'file', bytes },
          { path: 'link', type: 'symlink', link: join(bench.dir, '..') },
          { path: 'link/outside', type: 'file', bytes },
          { path: 'link2', type: 'symlink', link: `${up}${bench.dir}/..` },
          { path: 'link2/outside', type: 'file', bytes },
          { path: 'link2/.wh.outside', type: 'file' },
          { path: 'file', type: 'symlink', link: outside },
          { path: 'file', type: 'file', bytes },
          { path: 'hard', type: 'symlink', link: outside },
          { path: 'harder', type: 'hardlink', link: 'hard' },
          { path: 'harder', type: 'file', bytes },
          { path: 'dev', type: 'block', devMajor: 8, devMinor: 0 },
        ]),
      )
      assert.equal(readFileSync(outside, 'latin1'), 'untouched')
      assert.deepEqual(readdirSync(join(bench.dir, '..')), around)
      await viewed(bench, stack, (root) => {
        assert.ok(lstatSync(join(root, 'link')).isSymbolicLink())
        assert.equal(readFileSync(join(root, outside), 'latin1'), bytes)
      })
    },
  },
  {
    name: 'refuses archives that cannot be, and leaves nothing of them',
    async run(bench) {
      for (const entry of [
        { path: 'x', type: 'hardlink', link: '../../etc/passwd' },
        { path: 'x', type: 'hardlink', link: '/etc/passwd' },
        { path: 'x/.wh...', type: 'file' },
        { path: 'n'.repeat(10_000), type: 'file' },
        { path: `${'d/'.repeat(100)}${'n'.repeat(300)}`, type: 'file' },
      ] as const) {
        await assert.rejects(unpacked(bench, [], rawTar([entry])), { code: 'archive-invalid' }, entry.path.slice(0, 20))
      }
      assert.deepEqual(readdirSync(join(bench.dir, 'drafts')), [])
      assert.equal(existsSync(join(bench.dir, '../etc')), false)
    },
  },
]
