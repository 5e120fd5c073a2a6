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
    isWhole: (chainId) => isTrusted(readState(join(pathOf(chainId), 'state'))),
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
  return ifThere(() => readFileSync(path, 'latin1'))
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

/** How long none may have been made, in milliseconds: by then the kernel has written most of them by itself. */
const quietMs = 60_000

/**
 * Makes the committed snapshots of this boot durable, so that the next boot can use them too; does nothing if one was made in the
 * last minute, for whoever makes them now would have to wait for the disk.
 * @returns how many were made durable
 */
export async function settle(dir: string, now: number): Promise<number> {
  const states = namesIn(dir).map((name) => join(dir, name, 'state'))
  const fresh = states.filter((path) => readState(path) === selfOwner().boot)
  if (fresh.length === 0 || fresh.some((path) => madeAt(path) > now - quietMs)) return 0
  if (!(await isSynced(dir))) return 0
  for (const path of fresh) {
    const temp = join(dir, 'drafts', ownedName('state'))
    writeFileSync(temp, durable)
    if (!moveIfThere(temp, path)) removeTree(fromText(temp))
  }
  return fresh.length
}

function madeAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

async function isSynced(dir: string): Promise<boolean> {
  const fd = openSync(dir, 'r')
  try {
    return await syncFileSystem(fd)
  } finally {
    closeSync(fd)
  }
}

function namesIn(dir: string): string[] {
  return ifThere(() => readdirSync(dir)) ?? []
}
