/** What a plain tree has that the tree it was copied from has not, and the other way round. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BytePath } from '../core/bytepath.ts'
import { type Candidate, hidingEntry, identityOf, isChanged } from './changes.ts'
import { lstatIfThere, namesIn, onDisk } from './disk.ts'
import { entryOnDisk } from './metadata.ts'

/** Change times (ns) of the files of a tree, by path. Nobody can set them, so an equal one means an unchanged file. */
export type ChangeTimes = ReadonlyMap<BytePath, bigint>

/** Change times of everything but folders in the tree at `root`. */
export function readChangeTimes(root: BytePath): ChangeTimes {
  const times = new Map<BytePath, bigint>()
  function walk(path: BytePath): void {
    for (const name of namesIn(onDisk(root, path))) {
      const child = path === '' ? name : `${path}/${name}`
      const stat = lstatIfThere(onDisk(root, child))
      if (stat?.isDirectory() === true) walk(child)
      else if (stat !== undefined) times.set(child, stat.ctimeNs)
    }
  }
  walk('')
  return times
}

const timesFile = 'times'

/** Keeps change times beside the tree that they are of. */
export function saveChangeTimes(dir: string, times: ChangeTimes): void {
  const rows = [...times].map(([path, time]) => [path, time.toString()])
  writeFileSync(join(dir, timesFile), JSON.stringify(rows), { encoding: 'latin1', mode: 0o600 })
}

/** What `saveChangeTimes` kept; empty if that cannot be read: then bytes are compared. */
export function loadChangeTimes(dir: string): ChangeTimes {
  try {
    const rows = JSON.parse(readFileSync(join(dir, timesFile), 'latin1')) as [BytePath, string][]
    return new Map(rows.map(([path, time]) => [path, BigInt(time)]))
  } catch {
    return new Map()
  }
}

/** A tree, the tree it was copied from, and its change times right after that (empty if they are not known). */
export interface CopiedTree {
  readonly root: BytePath
  readonly original: BytePath
  readonly times: ChangeTimes
}

/** Everything in the tree and all that is gone from it, in tree order. */
export function copyCandidates(trees: CopiedTree): Candidate[] {
  const out: Candidate[] = []
  addOne(trees, '', out)
  walk(trees, '', out)
  return out
}

function walk(trees: CopiedTree, path: BytePath, out: Candidate[]): void {
  const inside = (name: BytePath): BytePath => (path === '' ? name : `${path}/${name}`)
  const names = new Set(namesIn(onDisk(trees.root, path)))
  for (const name of namesBefore(onDisk(trees.original, path))) {
    if (!names.has(name)) out.push({ entry: hidingEntry(inside(name), 'whiteout'), changed: true, fresh: false })
  }
  for (const name of names) {
    if (addOne(trees, inside(name), out)?.entry.type === 'dir') walk(trees, inside(name), out)
  }
}

function namesBefore(disk: BytePath): BytePath[] {
  return lstatIfThere(disk)?.isDirectory() === true ? namesIn(disk) : []
}

function addOne({ root, original, times }: CopiedTree, path: BytePath, out: Candidate[]): Candidate | undefined {
  const source = onDisk(root, path)
  const disk = onDisk(original, path)
  const stat = lstatIfThere(source)
  const entry = stat && entryOnDisk(path, source, stat)
  if (stat === undefined || entry === undefined) return undefined
  const before = lstatIfThere(disk)
  const isUntouched = before !== undefined && times.get(path) === stat.ctimeNs
  const candidate: Candidate = {
    entry,
    source,
    changed: !isUntouched && isChanged(entry, source, before && { disk, stat: before }),
    fresh: before === undefined,
    inode: entry.type !== 'dir' && stat.nlink > 1n ? stat.ino : undefined,
    identity: identityOf(stat),
  }
  out.push(candidate)
  return candidate
}
