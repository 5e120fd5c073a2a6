/** Snapshots as whole plain trees, for places where overlay mounts are refused: a draft is a copy, its changes come by comparison. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type BytePath, fromText } from '../core/bytepath.ts'
import { WherryError } from '../core/errors.ts'
import { createApplier } from './apply.ts'
import { selectChanges } from './changes.ts'
import type { Draft, MountedTree, Parents, Snapshotter } from './contract.ts'
import { type ChangeTimes, copyCandidates, loadChangeTimes, readChangeTimes, saveChangeTimes } from './copy-changes.ts'
import { copyTree } from './copy-tree.ts'
import { namesIn, onDisk, removeTree } from './disk.ts'
import { plainTree } from './hide.ts'
import { keep } from './keep.ts'
import { type Shelf, openShelf, sweepDrafts } from './shelf.ts'

/**
 * The copying snapshotter of the folder `dir`, which exists. Drafts of dead processes are removed.
 * Nothing is mounted: a view is the committed tree itself, and it is the caller's duty not to write to it.
 */
export function copySnapshotter(dir: string): Snapshotter {
  const shelf = openShelf(dir)
  sweepDrafts(dir)
  return {
    driver: 'copy',
    has: (chainId) => Promise.resolve(shelf.isWhole(chainId)),
    begin: async (parents, keptAt) => Promise.resolve(copyDraft(shelf, parents, keptAt)),
    async commit(draft, chainId) {
      for (const name of namesIn(fromText(draft.dir))) if (name !== 'fs') removeTree(onDisk(fromText(draft.dir), name))
      shelf.publish(draft.dir, chainId)
      return Promise.resolve()
    },
    view: async (parents) => Promise.resolve({ path: topOf(shelf, parents), unmount: () => Promise.resolve() }),
    async remove(chainId) {
      shelf.remove(chainId)
      return Promise.resolve()
    },
  }
}

function newCopy(shelf: Shelf, original: BytePath, keptAt: string | undefined): string {
  const dir = shelf.newDraft()
  const root = fromText(join(dir, 'fs'))
  copyTree(original, root)
  if (keptAt === undefined) return dir
  saveChangeTimes(dir, readChangeTimes(root))
  return keep(dir, keptAt)
}

/** The tree of the topmost parent, which holds all others. @throws WherryError `store-corrupt` */
function topOf(shelf: Shelf, parents: Parents): string {
  const top = parents.at(-1)
  if (top === undefined) return shelf.empty
  if (!shelf.isWhole(top)) throw new WherryError('store-corrupt', `the snapshot ${top} is not there`)
  return shelf.fsOf(top)
}

function copyDraft(shelf: Shelf, parents: Parents, keptAt: string | undefined): Draft {
  const original = fromText(topOf(shelf, parents))
  const dir = keptAt !== undefined && existsSync(keptAt) ? keptAt : newCopy(shelf, original, keptAt)
  const root = fromText(join(dir, 'fs'))
  let times: ChangeTimes = keptAt === undefined ? new Map() : loadChangeTimes(dir)
  let mounted = false
  return {
    dir,
    parents,
    applier: ({ owners }) => createApplier(plainTree(root, owners)),
    async mount(): Promise<MountedTree> {
      if (mounted) throw new WherryError('internal', 'a draft is mounted twice')
      mounted = true
      if (keptAt === undefined) times = readChangeTimes(root)
      const unmount = (): Promise<void> => {
        mounted = false
        return Promise.resolve()
      }
      return Promise.resolve({ path: join(dir, 'fs'), unmount })
    },
    changes: (options) => selectChanges(copyCandidates({ root, original, times }), options),
    discard() {
      removeTree(fromText(dir))
      return Promise.resolve()
    },
  }
}
