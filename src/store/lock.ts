/**
 * Locks between processes, for short critical sections only: edits of index.json and the end of a garbage collection.
 * proper-lockfile's directory with a heartbeat, and beside it the holder's identity, so that a killed holder delays nobody.
 */
import { readFile, rmdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { WherryError, errnoOf } from '../core/errors.ts'
import { ownedName, ownerIsDead, parseOwnedName } from '../host/owner.ts'

/** A holder that has not renewed its lock for so long is taken for dead, in milliseconds. */
const staleMs = 10_000
/** How often a holder renews its lock, in milliseconds. */
const updateMs = 2_000
/** How long to wait for a lock before giving up, in milliseconds. */
const patienceMs = 30_000

/** What a critical section gets. */
export interface HeldLock {
  /** To be called right before publishing. @throws WherryError `store-busy` if the lock was lost to another process. */
  assertHeld(): void
}

const queues = new Map<string, Promise<unknown>>()

/**
 * Runs `work` while holding the lock `name` of a store's `locks` folder.
 * @throws WherryError `store-busy` after 30 seconds of waiting
 */
export async function withLock<T>(dir: string, name: string, work: (lock: HeldLock) => Promise<T>): Promise<T> {
  const path = lockPath(dir, name)
  // Callers of this process queue here, so that they do not poll against each other.
  const before = queues.get(path) ?? Promise.resolve()
  const turn = before.catch(() => undefined).then(() => lockedWork(dir, name, work))
  queues.set(path, turn)
  try {
    return await turn
  } finally {
    if (queues.get(path) === turn) queues.delete(path)
  }
}

/** Where a lock's directory is while it is held. */
export function lockPath(dir: string, name: string): string {
  return join(dir, `${name}.lock`)
}

async function lockedWork<T>(dir: string, name: string, work: (lock: HeldLock) => Promise<T>): Promise<T> {
  let lost: Error | undefined
  const release = await acquire(dir, name, (error) => (lost = error))
  try {
    await writeFile(join(dir, `${name}.owner`), ownedName(name), { mode: 0o600 })
    return await work({
      assertHeld: () => {
        if (lost) throw busy(name, lost)
      },
    })
  } finally {
    await release().catch((error: unknown) => {
      // Lost or removed by another process: there is nothing left to release.
      if (!['ENOTACQUIRED', 'ERELEASED', 'ECOMPROMISED', 'ENOENT'].includes(errnoOf(error) ?? '')) throw error
    })
  }
}

async function acquire(dir: string, name: string, onCompromised: (error: Error) => void): Promise<() => Promise<void>> {
  // Loaded here because most builds edit nothing, and start faster without it.
  const { default: lockfile } = await import('proper-lockfile')
  const path = lockPath(dir, name)
  const deadline = Date.now() + patienceMs
  for (;;) {
    try {
      return await lockfile.lock(join(dir, name), {
        lockfilePath: path,
        realpath: false,
        stale: staleMs,
        update: updateMs,
        retries: 0,
        onCompromised,
      })
    } catch (error) {
      if (errnoOf(error) !== 'ELOCKED') throw error
      if (Date.now() > deadline) throw busy(name, error)
    }
    await breakDeadLock(dir, name)
    await delay(5 + Math.random() * 40)
  }
}

/**
 * Removes the lock of a killed holder at once instead of after `staleMs`. Each holding can be broken once only (the marker file),
 * and never in its first second, when the file with the identity may still be the one of the holder before.
 */
async function breakDeadLock(dir: string, name: string): Promise<void> {
  try {
    const owner = await readFile(join(dir, `${name}.owner`), 'latin1')
    if (parseOwnedName(owner) === undefined || !ownerIsDead(owner, Date.now())) return
    const held = await stat(lockPath(dir, name))
    if (held.ctimeMs > Date.now() - 1000) return
    await writeFile(join(dir, `${owner}.broken`), '', { flag: 'wx' })
    await rmdir(lockPath(dir, name))
  } catch (error) {
    // Released or broken by another one in the meantime.
    if (!['ENOENT', 'EEXIST'].includes(errnoOf(error) ?? '')) throw error
  }
}

function busy(name: string, cause: unknown): WherryError {
  return new WherryError('store-busy', `another process holds the store's lock "${name}"`, {
    hint: 'Try again in a moment.',
    cause,
  })
}
