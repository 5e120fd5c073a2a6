/**
 * Leases: files that name what a running process uses, so that garbage collection leaves it alone.
 * The file name carries the owner's identity, its modification time is the heartbeat, its first line says since when.
 */
import { appendFile, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Digest, isDigest } from '../core/digest.ts'
import { errnoOf } from '../core/errors.ts'
import { ownedName, ownerIsDead } from '../host/owner.ts'
import type { Lease } from './contract.ts'
import { leaseHeader } from './formats.ts'
import { lockPath, withLock } from './lock.ts'

/** How often a lease is touched, in milliseconds: far below the day after which one of another machine expires. */
const heartbeatMs = 60_000

/** The lock under which a collection decides and deletes. */
export const collectLock = 'collect'

/** Where leases and locks are. */
export interface LeaseParts {
  readonly leasesDir: string
  readonly locksDir: string
}

/** A lease as another process sees it. */
export interface LiveLease {
  /** When it began, in milliseconds since 1970. */
  readonly since: number
  readonly digests: readonly Digest[]
}

/** A new lease of this process. */
export async function createLease(parts: LeaseParts): Promise<Lease> {
  const path = join(parts.leasesDir, ownedName('lease'))
  await writeFile(path, `${leaseHeader} ${Date.now()}\n`, { flag: 'wx', mode: 0o600 })
  const heartbeat = setInterval(() => {
    const now = new Date()
    // A beat that fails is made up for by the next one.
    utimes(path, now, now).catch(() => undefined)
  }, heartbeatMs)
  heartbeat.unref()
  const held = new Set<Digest>()
  return {
    async hold(...digests) {
      const fresh = [...new Set(digests)].filter((d) => !held.has(d))
      if (fresh.length === 0) return
      for (const digest of fresh) held.add(digest)
      await appendFile(path, fresh.map((d) => `${d}\n`).join(''))
      await awaitCollection(parts.locksDir)
    },
    async release() {
      clearInterval(heartbeat)
      await rm(path, { force: true })
    },
  }
}

/**
 * A collection that took its lock before our line was written may not have read it: wait for its end, after which the caller
 * sees what is still there. One that takes the lock later reads our line.
 */
async function awaitCollection(locksDir: string): Promise<void> {
  if (existsSync(lockPath(locksDir, collectLock))) await withLock(locksDir, collectLock, () => Promise.resolve())
}

/** The leases whose owners live. */
export async function liveLeases(leasesDir: string): Promise<LiveLease[]> {
  const names = await readdir(leasesDir)
  const leases = await Promise.all(names.map((name) => readLease(leasesDir, name)))
  return leases.filter((lease) => lease !== undefined)
}

async function readLease(dir: string, name: string): Promise<LiveLease | undefined> {
  const path = join(dir, name)
  try {
    const touched = (await stat(path)).mtimeMs
    if (ownerIsDead(name, touched)) return undefined
    const [header, ...lines] = (await readFile(path, 'utf8')).split('\n')
    // Of an unknown version: whatever it holds, it began no later than when it was last touched.
    const since = header?.startsWith(`${leaseHeader} `) ? Number(header.slice(leaseHeader.length)) : 0
    return { since: Number.isFinite(since) ? since : 0, digests: lines.filter(isDigest) }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}
