/** From what a draft holds to the changes that make its layer: parents of changes kept, hard links paired, empty mount points left out. */
import type { BigIntStats } from 'node:fs'
import type { BytePath } from '../core/bytepath.ts'
import type { Entry } from '../oci/contents.ts'
import type { Change, ChangesOptions } from './contract.ts'
import { parentOf } from './disk.ts'
import { entryOnDisk, sameMetadata } from './metadata.ts'
import { sameContent } from './same-content.ts'

/** Something found in a draft, in tree order. */
export interface Candidate {
  readonly entry: Entry
  readonly source?: BytePath
  /** New, or different from what the parents have. A folder that is not is kept only if it holds a change. */
  readonly changed: boolean
  /** The parents have nothing at this path. */
  readonly fresh: boolean
  /** Shared by all names of one file with several; undefined for a file with one name and for folders. */
  readonly inode?: bigint
  readonly identity?: string
}

/** The key of `Change.identity`. */
export function identityOf(stat: BigIntStats): string {
  return `${stat.ino}:${stat.birthtimeNs}`
}

/** The entry of a whiteout or opaque mark. It has no time of its own, so that the same deletion is the same layer. */
export function hidingEntry(path: BytePath, type: 'whiteout' | 'opaque'): Entry {
  return { path, type, mode: 0, uid: 0, gid: 0, size: 0, mtime: 0n }
}

/**
 * True if `entry`, whose bytes are at `source`, differs from what was there before. Bytes are compared only if all metadata is
 * equal: a build that resets times must not lose its changes, and a copy-up without a change is rare.
 */
export function isChanged(
  entry: Entry,
  source: BytePath,
  before: { readonly disk: BytePath; readonly stat: BigIntStats } | undefined,
): boolean {
  const old = before && entryOnDisk(entry.path, before.disk, before.stat)
  if (before === undefined || old === undefined || !sameMetadata(entry, old)) return true
  return entry.type === 'file' && entry.size > 0 && !sameContent(source, before.disk)
}

/** The changes among `candidates`, in their order. */
export function selectChanges(candidates: readonly Candidate[], { excluded, owned }: ChangesOptions): Change[] {
  const kept = pairedLinks(withoutStubs(withOwned(candidates, owned), excluded))
  const needed = holders(kept)
  const firstNames = new Map<bigint, BytePath>()
  const changes: Change[] = []
  for (const candidate of kept) {
    if (!candidate.changed && !needed.has(candidate.entry.path)) continue
    const { source, identity, fresh } = candidate
    changes.push({ entry: asLink(candidate, firstNames), source, identity, fresh })
  }
  return changes
}

/** The entry, as a hard link if an earlier one has the same inode. */
function asLink({ entry, inode }: Candidate, firstNames: Map<bigint, BytePath>): Entry {
  if (inode === undefined) return entry
  const first = firstNames.get(inode)
  if (first !== undefined) {
    const { path, mode, uid, gid, mtime } = entry
    return { path, type: 'hardlink', mode, uid, gid, size: 0, mtime, link: first }
  }
  firstNames.set(inode, entry.path)
  return entry
}

function withOwned(candidates: readonly Candidate[], owned: ChangesOptions['owned']): readonly Candidate[] {
  if (owned === undefined) return candidates
  return candidates.map((c) => (c.identity !== undefined && owned.has(c.identity) ? { ...c, changed: true } : c))
}

/** If one name of a file is in the layer all are: a link to a name in a lower layer does not exist in a tar. */
function pairedLinks(candidates: readonly Candidate[]): readonly Candidate[] {
  const changed = new Set<bigint>()
  for (const c of candidates) if (c.inode !== undefined && c.changed) changed.add(c.inode)
  if (changed.size === 0) return candidates
  return candidates.map((c) => (c.inode !== undefined && changed.has(c.inode) ? { ...c, changed: true } : c))
}

/** Every folder above a change, the root excepted. */
function holders(candidates: readonly Candidate[]): Set<BytePath> {
  const needed = new Set<BytePath>()
  for (const { entry, changed } of candidates) {
    if (!changed) continue
    for (let path = parentOf(entry.path); path !== '' && !needed.has(path); path = parentOf(path)) needed.add(path)
  }
  return needed
}

function withoutStubs(candidates: readonly Candidate[], excluded: readonly BytePath[]): readonly Candidate[] {
  if (excluded.length === 0) return candidates
  const stubs = new Set(excluded)
  const above = new Set<BytePath>()
  for (const path of excluded) for (let p = parentOf(path); p !== ''; p = parentOf(p)) above.add(p)
  const inUse = new Set<BytePath>()
  const kept: Candidate[] = []
  // Backwards, so that a folder comes after all that it holds.
  for (const candidate of candidates.toReversed()) {
    const { type, path, size } = candidate.entry
    const isStub =
      candidate.fresh &&
      ((type === 'dir' && (stubs.has(path) || above.has(path)) && !inUse.has(path)) ||
        (type === 'file' && size === 0 && stubs.has(path)))
    if (isStub) continue
    inUse.add(parentOf(path))
    kept.push(candidate)
  }
  return kept.reverse()
}
