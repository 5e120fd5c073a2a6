/** Random edits: the changes of a draft, applied to its parents, give the draft. */
import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { digestOf } from '../../../src/core/digest.ts'
import { makeNode, setTimes } from '../../../src/host/files.ts'
import { setXattr } from '../../../src/host/xattrs.ts'
import { type Bench, type Case, applyChanges, portrait, viewed } from './bench.ts'

const names = ['a', 'b', 'a/a', 'a/b', 'b/a', 'b/b', 'a/a/a', 'a/a/b', 'b/a/a', 'c'] as const
const verbs = [
  'write',
  'mkdir',
  'remove',
  'symlink',
  'link',
  'rename',
  'chmod',
  'touch',
  'xattr',
  'fifo',
  'chown',
] as const

/** One thing that a process may do; it may fail as it likes. */
type Edit = readonly [verb: (typeof verbs)[number], path: string, other: string, number: number]

const edit: fc.Arbitrary<Edit> = fc.tuple(
  fc.constantFrom(...verbs),
  fc.constantFrom(...names),
  fc.constantFrom(...names),
  fc.nat(3),
)

function perform(root: string, [verb, first, second, number]: Edit): void {
  const path = join(root, first)
  const other = join(root, second)
  switch (verb) {
    case 'write':
      // Not through a link: it may point to itself or nowhere.
      return fs.closeSync(
        writeInto(
          fs.openSync(
            path,
            fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK,
          ),
          number,
        ),
      )
    case 'mkdir':
      return fs.mkdirSync(path)
    case 'remove':
      return fs.rmSync(path, { recursive: true })
    case 'symlink':
      return fs.symlinkSync(second, path)
    case 'link':
      return fs.linkSync(path, other)
    case 'rename':
      // Overlayfs refuses to rename a lower folder; mv(1) then copies it.
      return fs.renameSync(path, other)
    case 'chmod':
      return fs.lstatSync(path).isSymbolicLink() ? undefined : fs.chmodSync(path, 0o700 + number)
    case 'touch':
      return setTimes(Buffer.from(path), { mtime: BigInt(number) * 1_000_000_001n })
    case 'xattr':
      return setXattr(Buffer.from(path), 'user.x', String(number))
    case 'fifo':
      return makeNode(Buffer.from(path), { type: 'fifo', mode: 0o600 })
    case 'chown':
      return fs.lchownSync(path, number, number)
  }
}

function writeInto(fd: number, number: number): number {
  if (fs.fstatSync(fd).isFile()) fs.writeSync(fd, `${number}`, 0)
  return fd
}

function performAll(root: string, edits: readonly Edit[]): void {
  for (const one of edits) {
    try {
      perform(root, one)
    } catch {
      // Whatever cannot be done is not done.
    }
  }
}

/**
 * Who is linked to whom is left out: a copy-up parts the names of a lower file without a change of either, and an overlay may show
 * one inode number for both then, or two for one file.
 */
function look(root: string): string[] {
  return portrait(root, 'no links')
}

async function checkRounds(bench: Bench, rounds: readonly (readonly Edit[])[], tag: string): Promise<void> {
  const { snapshots } = bench
  const stack: `sha256:${string}`[] = []
  for (const [i, edits] of rounds.entries()) {
    const draft = await snapshots.begin(stack)
    try {
      const tree = await draft.mount()
      performAll(tree.path, edits)
      const seen = look(tree.path)
      await tree.unmount()
      // The next round stands on the applied layer, not on the draft: both must look the same to it.
      const copy = await snapshots.begin(stack)
      applyChanges(copy, draft.changes({ excluded: [] }))
      const chainId = digestOf(`${tag} ${i}`)
      await snapshots.commit(copy, chainId)
      stack.push(chainId)
      assert.deepEqual(await viewed(bench, stack, look), seen)
    } finally {
      await draft.discard()
    }
  }
  for (const chainId of stack) await snapshots.remove(chainId)
}

/** Cases with random edits. */
export const randomCases: readonly Case[] = [
  {
    name: 'applying the changes of random edits gives the same tree, layer upon layer',
    async run(bench) {
      let runs = 0
      const rounds = fc.array(fc.array(edit, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 4 })
      await fc.assert(
        fc.asyncProperty(rounds, (given) => checkRounds(bench, given, `random ${bench.snapshots.driver} ${runs++}`)),
        { numRuns: 40 },
      )
    },
  },
]
