/** What an overlay's upper directory says about its layers: a walk of it alone, so the cost follows the change. */
import type { BigIntStats } from 'node:fs'
import type { BytePath } from '../core/bytepath.ts'
import type { Entry } from '../oci/contents.ts'
import { type Candidate, hidingEntry, identityOf, isChanged } from './changes.ts'
import { isWhiteout, lstatIfThere, namesIn, onDisk } from './disk.ts'
import { type Found, type Stack, lookupName } from './lower.ts'
import { entryOnDisk, isOpaque, sameMetadata } from './metadata.ts'

/** An upper directory and what it lies on. */
export interface UpperTree {
  readonly root: BytePath
  /** Root folders of the layers, the topmost first. */
  readonly lowers: Stack
  /** Identities (see `Change`) of upper inodes that looked different through the mount. */
  readonly identities: ReadonlyMap<bigint, string>
}

/** The metadata of a root folder that no layer has described. */
const plainRoot = { path: '', type: 'dir', mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0n } as const satisfies Entry

/** Everything in the upper directory, in tree order. */
export function overlayCandidates(upper: UpperTree): Candidate[] {
  const out = rootCandidate(upper)
  walk(upper, { path: '', below: upper.lowers }, out)
  return out
}

function rootCandidate({ root, lowers }: UpperTree): Candidate[] {
  const entry = rootEntry(root)
  const top = lowers[0] === undefined ? plainRoot : rootEntry(lowers[0])
  return [{ entry, source: root, changed: !sameMetadata(entry, top), fresh: false }]
}

function rootEntry(disk: BytePath): Entry {
  const stat = lstatIfThere(disk)
  return (stat && entryOnDisk('', disk, stat)) ?? plainRoot
}

interface Folder {
  readonly path: BytePath
  /** The layers' folders at this path. */
  readonly below: Stack
}

function walk(upper: UpperTree, { path, below }: Folder, out: Candidate[]): void {
  const additions: { path: BytePath; name: BytePath; stat: BigIntStats; entry: Entry }[] = []
  for (const name of namesIn(onDisk(upper.root, path))) {
    const child = path === '' ? name : `${path}/${name}`
    const disk = onDisk(upper.root, child)
    const stat = lstatIfThere(disk)
    if (stat === undefined) continue
    const entry = isWhiteout(stat) ? undefined : entryOnDisk(child, disk, stat)
    if (entry !== undefined) additions.push({ path: child, name, stat, entry })
    else if (lookupName(below, name) !== undefined)
      out.push({ entry: hidingEntry(child, 'whiteout'), changed: true, fresh: false })
  }
  for (const { name, stat, entry } of additions) {
    const found = lookupName(below, name)
    const candidate = candidateOf(upper, { entry, stat, found })
    out.push(candidate)
    if (entry.type !== 'dir') continue
    const stack = found?.stack ?? []
    const opaque = stack.length > 0 && isOpaque(onDisk(upper.root, entry.path))
    if (opaque) {
      out[out.length - 1] = { ...candidate, changed: true }
      out.push({ entry: hidingEntry(entry.path, 'opaque'), changed: true, fresh: false })
    }
    walk(upper, { path: entry.path, below: opaque ? [] : stack }, out)
  }
}

function candidateOf(
  upper: UpperTree,
  { entry, stat, found }: { entry: Entry; stat: BigIntStats; found: Found | undefined },
): Candidate {
  const source = onDisk(upper.root, entry.path)
  // More than one name here means that a name was added: copying up gives each name a file of its own.
  const linked = entry.type !== 'dir' && stat.nlink > 1n
  return {
    entry,
    source,
    changed: linked || isChanged(entry, source, found),
    fresh: found === undefined,
    inode: linked ? stat.ino : undefined,
    identity: upper.identities.get(stat.ino) ?? identityOf(stat),
  }
}
