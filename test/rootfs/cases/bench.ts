/** What the cases of the snapshotter suite work with: a snapshotter on a folder of its own, and short ways to fill and read trees. */
import { createHash } from 'node:crypto'
import { lstatSync, readFileSync, readlinkSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type BytePath, fromText, toBytes } from '../../../src/core/bytepath.ts'
import { type Digest, digestOf } from '../../../src/core/digest.ts'
import { readXattrs } from '../../../src/host/xattrs.ts'
import type { Entry } from '../../../src/oci/contents.ts'
import type { Change, Draft, Parents, Snapshotter } from '../../../src/rootfs/contract.ts'

/** One snapshotter under test. */
export interface Bench {
  readonly snapshots: Snapshotter
  /** Folder of the snapshots. */
  readonly dir: string
  /** True if more than one id is mapped. */
  readonly mapped: boolean
}

/** A test of what every snapshotter must do. */
export interface Case {
  readonly name: string
  run(bench: Bench): Promise<void>
}

/** An entry with defaults, and the bytes if it is a file. */
export type Item = Partial<Entry> & Pick<Entry, 'path' | 'type'> & { readonly bytes?: string }

/** A moment before any test, in ns, with a part that a double cannot hold. */
export const moment = 1_500_000_000_123_456_789n

/** Completes an item. */
export function entryOf({ bytes = '', ...given }: Item): Entry {
  const mode = given.type === 'dir' ? 0o755 : given.type === 'symlink' ? 0o777 : 0o644
  return { mode, uid: 0, gid: 0, size: given.type === 'file' ? bytes.length : 0, mtime: moment, ...given }
}

/** Applies items to a draft. */
export function applyItems(draft: Draft, items: readonly Item[]): void {
  const applier = draft.applier({ owners: true })
  for (const item of items) {
    const sink = applier.entry(entryOf(item))
    if (item.bytes !== undefined && item.bytes !== '') sink?.write(Buffer.from(item.bytes, 'latin1'))
    sink?.close()
  }
  applier.finish()
}

let count = 0

/** Commits a layer of these items; returns the stack with it. */
export async function commitLayer({ snapshots }: Bench, parents: Parents, items: readonly Item[]): Promise<Digest[]> {
  const draft = await snapshots.begin(parents)
  applyItems(draft, items)
  const chainId = digestOf(`layer ${count++}`)
  await snapshots.commit(draft, chainId)
  return [...parents, chainId]
}

/** What `edit` changed in a mounted draft. The draft is gone afterwards; read files in `look`, which comes before. */
export async function changesOf(
  { snapshots }: Bench,
  parents: Parents,
  edit: (root: string) => void,
  excluded: readonly BytePath[] = [],
): Promise<Change[]> {
  const draft = await snapshots.begin(parents)
  try {
    const tree = await draft.mount()
    try {
      edit(tree.path)
    } finally {
      await tree.unmount()
    }
    return [...draft.changes({ excluded })]
  } finally {
    await draft.discard()
  }
}

/** Changes as short texts: `file a`, `dir b`, `hardlink c -> a`. */
export function listed(changes: readonly Change[]): string[] {
  return changes.map(({ entry: { type, path, link } }) => `${type} ${path}${link === undefined ? '' : ` -> ${link}`}`)
}

/** Calls `look` with the path of a mounted stack. */
export async function viewed<T>({ snapshots }: Bench, parents: Parents, look: (root: string) => T): Promise<T> {
  const tree = await snapshots.view(parents)
  try {
    return look(tree.path)
  } finally {
    await tree.unmount()
  }
}

/** Applies changes, with their files' bytes, to a draft. */
export function applyChanges(draft: Draft, changes: Iterable<Change>): void {
  const applier = draft.applier({ owners: true })
  for (const { entry, source } of changes) {
    const sink = applier.entry(entry)
    if (sink !== undefined && source !== undefined) sink.write(readFileSync(toBytes(source)))
    sink?.close()
  }
  applier.finish()
}

/** All that can be seen of a tree, a line for each path. Folders' times are left out: they are no change by themselves. */
export function portrait(root: string, links: 'links' | 'no links' = 'links'): string[] {
  const lines: string[] = []
  const firstNames = new Map<string, BytePath>()
  function visit(path: BytePath): void {
    const disk = toBytes(path === '' ? fromText(root) : `${fromText(root)}/${path}`)
    const stat = lstatSync(disk, { bigint: true })
    const xattrs = Object.entries(readXattrs(disk) ?? {}).filter(([name]) => !name.includes('.overlay.'))
    const words: unknown[] = [path, stat.mode.toString(8), stat.uid, stat.gid, ...xattrs.sort().flat()]
    if (!stat.isDirectory()) {
      const key = [stat.ino, stat.nlink, stat.ctimeNs, stat.birthtimeNs].join()
      const first = firstNames.get(key) ?? path
      firstNames.set(key, first)
      words.push(stat.mtimeNs, stat.rdev, links === 'links' ? first : '')
    }
    if (stat.isFile()) words.push(stat.size, createHash('sha256').update(readFileSync(disk)).digest('hex').slice(0, 12))
    if (stat.isSymbolicLink()) words.push(readlinkSync(disk, 'latin1'))
    lines.push(words.join(' '))
    if (!stat.isDirectory()) return
    for (const name of readdirSync(disk, 'latin1').sort()) visit(path === '' ? name : `${path}/${name}`)
  }
  visit('')
  return lines
}

/** The text of a file in a tree, or undefined if there is none. */
export function textAt(root: string, path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'latin1')
  } catch {
    return undefined
  }
}
