/**
 * Cache mounts: folders that outlive a run, found by their id.
 *
 * In the folder of cache mounts each has `<hash>/` with its files, `<hash>.json` with its id, last changed when it was last
 * used, and `<hash>.lock`. What is made is made aside, in a folder with an owned name, and moved.
 */
import { closeSync, mkdirSync, readdirSync, readlinkSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromText } from '../../core/bytepath.ts'
import { digestOf, hexOf } from '../../core/digest.ts'
import { WherryError } from '../../core/errors.ts'
import { bindMount, unmount } from '../../host/mounts.ts'
import { ownerIsDead, parseOwnedName } from '../../host/owner.ts'
import { removeTree } from '../../rootfs/disk.ts'
import type { TreeMount } from '../contract.ts'
import { type Held, type Sharing, hold } from './cache-lock.ts'
import { openCacheSource } from './cache-source.ts'
import type { Inner } from './state.ts'

export type CacheMountRequest = Extract<TreeMount, { kind: 'cache' }>

/** The cache mounts of one run, held for it. */
export interface CacheFolders {
  /** A path that shows the mount's source and that no process can make mean anything else. */
  source(this: void, mount: CacheMountRequest): Promise<string>
  release(this: void): void
}

/**
 * Waits until the run may have its cache mounts.
 * @param dir a folder of the run's own, for mount points
 * @throws WherryError `cancelled`
 */
export async function openCacheFolders(
  inner: Inner,
  requests: readonly CacheMountRequest[],
  { dir, signal }: { readonly dir: string; readonly signal: AbortSignal },
): Promise<CacheFolders> {
  const held = new Map<string, Held>()
  const shown: string[] = []
  const release = (): void => {
    for (const point of shown.splice(0)) unmount(point)
    for (const [name, { folder, lock }] of held) {
      touch(folder)
      closeSync(lock)
      held.delete(name)
    }
  }
  if (isLent(inner)) requireOneTarget(requests)
  if (requests.length > 0) sweepUnfinished(inner.mountsDir)
  try {
    // All runs take their locks in the same order, so that no two wait for each other.
    for (const [name, request] of [...strictest(requests)].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const taken = await hold(join(inner.mountsDir, name), sharingIn(inner, request), signal)
      held.set(name, taken)
      describe(taken.folder, request)
    }
  } catch (error) {
    release()
    throw error
  }
  return {
    release,
    source: async (mount) => {
      const { folder } = held.get(cacheName(mount)) as Held
      const { fd, isFolder } = await openCacheSource(inner, folder, mount)
      try {
        // Nobody else has it, and so nobody can change what the path means.
        if (isLent(inner)) return readlinkSync(`/proc/self/fd/${fd}`)
        const point = join(dir, `cache${shown.length}`)
        if (isFolder) mkdirSync(point)
        else writeFileSync(point, '')
        // By descriptor: other runs may have the same folder now, and rename what is in it.
        bindMount(`/proc/self/fd/${fd}`, point)
        shown.push(point)
        return point
      } finally {
        closeSync(fd)
      }
    },
  }
}

/** Where nothing can be mounted a cache mount is moved to where the run wants it: it is there and nowhere else. */
function isLent({ mode }: Inner): boolean {
  return mode.kind === 'chroot'
}

function sharingIn(inner: Inner, { sharing }: CacheMountRequest): Sharing {
  return isLent(inner) && sharing === 'shared' ? 'locked' : sharing
}

function requireOneTarget(requests: readonly CacheMountRequest[]): void {
  const names = requests.map(cacheName)
  const twice = requests.find((request, i) => names.indexOf(cacheName(request)) < i)
  if (twice === undefined) return
  throw new WherryError('host-unsupported', `in chroot mode a step cannot have the cache mount "${twice.id}" twice`, {
    hint: 'Mount it once, and link to it in the command.',
  })
}

/** One hash for the id and what a new one starts with: BuildKit too keeps caches of different beginnings apart. */
export function cacheName({ id, seed }: Pick<CacheMountRequest, 'id' | 'seed'>): string {
  return hexOf(digestOf(JSON.stringify([id, seed?.at(-1)?.chainId ?? null])))
}

const order: readonly Sharing[] = ['shared', 'private', 'locked']

/** One request for each cache mount, the most demanding of those that the run has for it. */
export function strictest(requests: readonly CacheMountRequest[]): ReadonlyMap<string, CacheMountRequest> {
  const wanted = new Map<string, CacheMountRequest>()
  for (const request of requests) {
    const known = wanted.get(cacheName(request))
    if (known === undefined || order.indexOf(request.sharing) > order.indexOf(known.sharing))
      wanted.set(cacheName(request), request)
  }
  return wanted
}

/** True for a name of a cache mount, of which private ones have several. */
export function isCacheName(name: string): boolean {
  return /^[0-9a-f]{64}(\.\d+)?$/.test(name)
}

/** The file that describes the cache mount at `folder`. */
export function cacheFile(folder: string): string {
  return `${folder}.json`
}

/** Notes the id of the cache mount at `folder`, and that it is used now. */
export function describe(folder: string, { id }: Pick<CacheMountRequest, 'id'>): void {
  const path = cacheFile(folder)
  if (statSync(path, { throwIfNoEntry: false }) === undefined)
    writeFileSync(path, JSON.stringify({ version: 1, id }), { mode: 0o644 })
  else touch(folder)
}

function touch(folder: string): void {
  const now = new Date()
  utimesSync(cacheFile(folder), now, now)
}

/** Deletes what processes that died left half made. */
function sweepUnfinished(dir: string): void {
  for (const name of readdirSync(dir)) {
    if (parseOwnedName(name) === undefined) continue
    const path = join(dir, name)
    const stats = statSync(path, { throwIfNoEntry: false })
    if (stats !== undefined && ownerIsDead(name, stats.mtimeMs)) removeTree(fromText(path))
  }
}
