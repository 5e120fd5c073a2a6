/** Holding cache mounts: a lock of the kernel on a file beside each, let go by the death of the holder too. */
import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { WherryError } from '../../core/errors.ts'
import { tryFlock } from '../../host/flock.ts'

/** How many may hold it beside this one. */
export type Sharing = 'shared' | 'private' | 'locked'

/** Between two attempts, in milliseconds. */
const pollMs = 50

/** The lock's file of the cache mount at `folder`. */
export function lockFile(folder: string): string {
  return `${folder}.lock`
}

/** Takes the lock of a cache mount without waiting; the descriptor holds it until it is closed. Undefined if it is taken. */
export function tryHold(folder: string, kind: 'shared' | 'exclusive'): number | undefined {
  const path = lockFile(folder)
  for (;;) {
    const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600)
    if (!tryFlock(fd, kind)) {
      closeSync(fd)
      return undefined
    }
    // Whoever removes a cache mount removes the file too: a lock on that is worth nothing.
    if (statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino) return fd
    closeSync(fd)
  }
}

/** A cache mount that is held. */
export interface Held {
  readonly folder: string
  /** Descriptor that holds the lock. */
  readonly lock: number
}

/**
 * Holds a cache mount. `shared` waits for those who have it `locked`, `locked` for everybody, and `private` takes the next
 * one that nobody has: `folder.1`, `folder.2`, …
 * @throws WherryError `cancelled`
 */
export async function hold(folder: string, sharing: Sharing, signal: AbortSignal): Promise<Held> {
  if (sharing === 'private') return holdFree(folder)
  for (;;) {
    if (signal.aborted) throw new WherryError('cancelled', 'cancelled', { cause: signal.reason })
    const lock = tryHold(folder, sharing === 'locked' ? 'exclusive' : 'shared')
    if (lock !== undefined) return { folder, lock }
    await delay(pollMs)
  }
}

function holdFree(folder: string): Held {
  for (let n = 0; ; n++) {
    const candidate = n === 0 ? folder : `${folder}.${n}`
    const lock = tryHold(candidate, 'exclusive')
    if (lock !== undefined) return { folder: candidate, lock }
  }
}
