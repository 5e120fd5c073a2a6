/** Snapshots as overlay layers: each holds only its own difference, and the changes of a draft are its upper directory. */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type BytePath, fromText, toBytes } from '../core/bytepath.ts'
import type { Digest } from '../core/digest.ts'
import { WherryError } from '../core/errors.ts'
import { getXattr } from '../host/xattrs.ts'
import { unmount } from '../host/mounts.ts'
import { createApplier } from './apply.ts'
import { identityOf, selectChanges } from './changes.ts'
import type { Draft, MountedTree, Parents, Snapshotter } from './contract.ts'
import { lstatIfThere, namesIn, onDisk, removeTree } from './disk.ts'
import { overlayTree } from './hide.ts'
import { keep } from './keep.ts'
import { entryOnDisk, setMetadata, setTime } from './metadata.ts'
import { mountOverlay } from './mount-overlay.ts'
import { overlayCandidates } from './overlay-changes.ts'
import { type Shelf, openShelf, sweepDrafts } from './shelf.ts'

/** How a snapshotter behaves beside its contract. */
export interface SnapshotterOptions {
  /** Fill `Change.identity` as the mount showed it, which costs a look at every copied-up file. For single mode. */
  readonly identities?: boolean
}

/** The overlay snapshotter of the folder `dir`, which exists. Drafts of dead processes are removed. */
export function overlaySnapshotter(dir: string, options: SnapshotterOptions = {}): Snapshotter {
  const shelf = openShelf(dir)
  sweepDrafts(dir)
  return {
    driver: 'overlay',
    has: (chainId) => Promise.resolve(shelf.isWhole(chainId)),
    async begin(parents, keptAt) {
      requireParents(shelf, parents)
      const dir = keptAt !== undefined && existsSync(keptAt) ? keptAt : newUpper(shelf, parents)
      return Promise.resolve(overlayDraft(shelf, parents, { ...options, dir: keep(dir, keptAt) }))
    },
    async commit(draft, chainId) {
      for (const name of namesIn(fromText(draft.dir))) if (name !== 'fs') removeTree(onDisk(fromText(draft.dir), name))
      shelf.publish(draft.dir, chainId)
      return Promise.resolve()
    },
    async view(parents) {
      requireParents(shelf, parents)
      const own = shelf.newDraft()
      const target = join(own, 'merged')
      mkdirSync(target)
      // Overlayfs wants two layers where nothing is written.
      const lowers = [...lowersOf(shelf, parents), shelf.empty]
      mountOverlay({
        lowers: lowers.length === 1 ? [...lowers, join(own, 'fs')] : lowers,
        target,
        scratch: join(own, 'l'),
      })
      return Promise.resolve({
        path: target,
        unmount: () => {
          unmount(target)
          removeTree(fromText(own))
          return Promise.resolve()
        },
      })
    },
    async remove(chainId) {
      shelf.remove(chainId)
      return Promise.resolve()
    },
  }
}

/** Fails unless every parent is there. @throws WherryError `store-corrupt` */
export function requireParents(shelf: Shelf, parents: Parents): void {
  const absent = parents.find((chainId) => !shelf.isWhole(chainId))
  if (absent !== undefined) throw new WherryError('store-corrupt', `the snapshot ${absent} is not there`)
}

/** Layers' folders, topmost first. */
function lowersOf(shelf: Shelf, parents: Parents): string[] {
  return parents.map((chainId: Digest) => shelf.fsOf(chainId)).reverse()
}

/** A folder for what is written over the parents. */
function newUpper(shelf: Shelf, parents: Parents): string {
  const dir = shelf.newDraft()
  const [below] = lowersOf(shelf, parents)
  inheritRoot(fromText(join(dir, 'fs')), below === undefined ? undefined : fromText(below))
  return dir
}

function overlayDraft(
  shelf: Shelf,
  parents: Parents,
  { dir, ...options }: SnapshotterOptions & { readonly dir: string },
): Draft {
  const root = fromText(join(dir, 'fs'))
  const lowers = lowersOf(shelf, parents)
  const lowerPaths = lowers.map((path) => fromText(path))
  let identities: ReadonlyMap<bigint, string> = new Map()
  let mounted: string | undefined
  let mounts = 0

  function release(): void {
    if (mounted === undefined) return
    const path = mounted
    mounted = undefined
    try {
      if (options.identities === true) identities = copiedUp(root, fromText(path))
    } finally {
      unmount(path)
    }
  }
  return {
    dir,
    parents,
    applier: ({ owners }) => createApplier(overlayTree(root, lowerPaths, owners)),
    async mount(): Promise<MountedTree> {
      if (mounted !== undefined) throw new WherryError('internal', 'a draft is mounted twice')
      const target = join(dir, 'merged')
      // `volatile` leaves a mark in the work folder that forbids another mount with it.
      for (const name of namesIn(fromText(dir))) if (name.startsWith('work')) removeTree(onDisk(fromText(dir), name))
      const work = join(dir, `work${mounts++}`)
      for (const path of [target, work]) mkdirSync(path, { recursive: true, mode: 0o755 })
      const layers = lowers.length === 0 ? [shelf.empty] : lowers
      mountOverlay({ lowers: layers, upper: { dir: join(dir, 'fs'), work }, target, scratch: `${work}-names` })
      mounted = target
      const unmountAll = (): Promise<void> => {
        release()
        return Promise.resolve()
      }
      return Promise.resolve({ path: target, unmount: unmountAll })
    },
    changes: (given) => {
      if (mounted !== undefined && options.identities === true) identities = copiedUp(root, fromText(mounted))
      return selectChanges(overlayCandidates({ root, lowers: lowerPaths, identities }), given)
    },
    discard() {
      release()
      removeTree(fromText(dir))
      return Promise.resolve()
    },
  }
}

/** A mount shows the upper root's metadata: it starts as that of the layer below, or as 0755 of root. */
function inheritRoot(root: BytePath, below: BytePath | undefined): void {
  const stat = lstatIfThere(below ?? root)
  const entry = stat && entryOnDisk('', below ?? root, stat)
  if (entry === undefined) return
  setMetadata(root, below === undefined ? { ...entry, mode: 0o755 } : entry, true)
  setTime(root, entry.mtime)
}

/** Identities of the files that were copied up: while mounted they show the inode number of the file they came from. */
function copiedUp(root: BytePath, mounted: BytePath): Map<bigint, string> {
  const found = new Map<bigint, string>()
  function walk(path: BytePath): void {
    for (const name of namesIn(onDisk(root, path))) {
      const child = path === '' ? name : `${path}/${name}`
      const stat = lstatIfThere(onDisk(root, child))
      if (stat === undefined) continue
      if (getXattr(toBytes(onDisk(root, child)), 'user.overlay.origin') !== undefined) {
        const seen = lstatIfThere(onDisk(mounted, child))
        if (seen !== undefined) found.set(stat.ino, identityOf(seen))
      }
      if (stat.isDirectory()) walk(child)
    }
  }
  walk('')
  return found
}
