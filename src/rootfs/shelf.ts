/**
 * The folder that snapshots of one driver live in: `<hex of chainID>/{fs,state}`, `drafts/<owner>/…` and `empty/`.
 * A snapshot is only a cache of blobs and is written without fsync: its `state` file holds the boot in which it was made until
 * `settle` has made it durable. One of another boot that was never settled may be torn, and counts as absent.
 */
import { closeSync, mkdirSync, openSync, readFileSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromText } from '../core/bytepath.ts'
import { type Digest, hexOf } from '../core/digest.ts'
import { errnoOf } from '../core/errors.ts'
import { ifThere } from '../core/if-there.ts'
import { moveIfThere, syncFileSystem } from '../host/files.ts'
import { ownedName, ownerIsDead, selfOwner } from '../host/owner.ts'
import { removeTree } from './disk.ts'

const durable = 'durable'

/** Snapshots on disk, whatever the driver. */
export interface Shelf {
  /** A folder without names, never written to. */
  readonly empty: string
  /** Root folder of a committed snapshot. */
  fsOf(chainId: Digest): string
  /** True if a committed snapshot is there and can be trusted. */
  isWhole(chainId: Digest): boolean
  /** Makes a folder of this process's own, with `fs` in it. */
  newDraft(): string
  /** Makes the draft at `dir` a committed snapshot, or deletes it if there is one already. */
  publish(dir: string, chainId: Digest): void
  /** Deletes a committed snapshot; absent is fine. */
  remove(chainId: Digest): void
}

/** Opens the folder `dir`, which exists. */
export function openShelf(dir: string): Shelf {
  const drafts = join(dir, 'drafts')
  const empty = join(dir, 'empty')
  for (const path of [drafts, empty]) mkdirSync(path, { recursive: true, mode: 0o755 })
  const pathOf = (chainId: Digest): string => join(dir, hexOf(chainId))

  /** Moved away first, so that nobody ever sees half a snapshot. */
  function remove(chainId: Digest): void {
    const aside = join(drafts, ownedName('removed'))
    if (moveIfThere(pathOf(chainId), aside)) removeTree(fromText(aside))
  }
  const shelf: Shelf = {
    empty,
    fsOf: (chainId) => join(pathOf(chainId), 'fs'),
    isWhole: (chainId) => isTrusted(readState(pathOf(chainId))),
    newDraft() {
      const path = join(drafts, ownedName('draft'))
      mkdirSync(join(path, 'fs'), { recursive: true, mode: 0o755 })
      return path
    },
    publish(path, chainId) {
      writeFileSync(join(path, 'state'), selfOwner().boot)
      if (!tryRename(path, pathOf(chainId)) && !shelf.isWhole(chainId)) {
        remove(chainId)
        tryRename(path, pathOf(chainId))
      }
      // Gone if it was moved; else another process has published the same.
      removeTree(fromText(path))
    },
    remove,
  }
  return shelf
}

/** Renames a folder; false if there is one with the new name. */
function tryRename(from: string, to: string): boolean {
  try {
    renameSync(from, to)
    return true
  } catch (error) {
    const code = errnoOf(error)
    if (code === 'EEXIST' || code === 'ENOTEMPTY') return false
    throw error
  }
}

function readState(path: string): string | undefined {
  return ifThere(() => readFileSync(join(path, 'state'), 'latin1'))
}

function isTrusted(state: string | undefined): boolean {
  return state === durable || state === selfOwner().boot
}

/** Paths of the drafts of dead processes in the folder of snapshots `dir`. */
export function deadDrafts(dir: string): string[] {
  return namesIn(join(dir, 'drafts')).flatMap((name) => {
    const path = join(dir, 'drafts', name)
    const stat = statSync(path, { throwIfNoEntry: false })
    return stat !== undefined && ownerIsDead(name, stat.mtimeMs) ? [path] : []
  })
}

/** Deletes the drafts of dead processes. Call inside the namespace: their files may have any of its owners. */
export function sweepDrafts(dir: string): void {
  for (const path of deadDrafts(dir)) removeTree(fromText(path))
}

/**
 * Makes the committed snapshots of this boot durable, so that the next boot can use them too. Waits for the disk and blocks its
 * thread: for a worker, or for when nothing else is to be done.
 * @returns how many there were
 */
export function settle(dir: string): number {
  const fresh = namesIn(dir).filter((name) => readState(join(dir, name)) === selfOwner().boot)
  if (fresh.length === 0) return 0
  const fd = openSync(dir, 'r')
  try {
    syncFileSystem(fd)
  } finally {
    closeSync(fd)
  }
  for (const name of fresh) {
    const temp = join(dir, 'drafts', ownedName('state'))
    writeFileSync(temp, durable)
    if (!moveIfThere(temp, join(dir, name, 'state'))) removeTree(fromText(temp))
  }
  return fresh.length
}

function namesIn(dir: string): string[] {
  return ifThere(() => readdirSync(dir)) ?? []
}
