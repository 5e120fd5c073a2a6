/** What a step had of the builder's when wherry was killed. */
import { closeSync, constants, openSync, readFileSync, readdirSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { errnoOf } from '../../core/errors.ts'
import { moveIfFree, openFolderBelow } from '../../host/files.ts'
import { tryFlock } from '../../host/flock.ts'
import { type Lent, journalName } from './stage.ts'

/**
 * Moves what was lent to a step back to where it belongs, if it is still where it was put; not where something else has taken its
 * place. Waits until no process of the step runs any more, and gives up after a while.
 * @param dir a draft's folder, whose owner is dead
 */
export function bringBackLent(dir: string): void {
  for (const name of readdirSync(dir)) {
    const stage = join(dir, name)
    for (const lent of readJournal(stage)) bringBack(dir, stage, lent)
  }
}

function readJournal(stage: string): Lent[] {
  try {
    return JSON.parse(readFileSync(join(stage, journalName), 'utf8')) as Lent[]
  } catch {
    return [] // No stage, or one on which nothing is lent, or a journal that a crash has torn.
  }
}

function bringBack(dir: string, stage: string, { path, home }: Lent): void {
  const root = openSync(join(dir, 'fs'), constants.O_RDONLY | constants.O_DIRECTORY)
  const lock = openSync(join(stage, 'lock'), constants.O_RDWR | constants.O_CREAT, 0o600)
  try {
    if (!isFree(lock)) return
    const parent = openFolderBelow(root, Buffer.from(relative(join(dir, 'fs'), dirname(path)) || '.'))
    try {
      moveIfFree(Buffer.from(`/proc/self/fd/${parent}/${basename(path)}`), Buffer.from(home))
    } finally {
      closeSync(parent)
    }
  } catch (error) {
    // The step has taken it away, or its home is gone too.
    if (!['ENOENT', 'ENOTDIR', 'ELOOP', 'EXDEV'].includes(errnoOf(error) ?? '')) throw error
  } finally {
    closeSync(lock)
    closeSync(root)
  }
}

const patienceMs = 3000
const pollMs = 10

/** True as soon as the keeper has let go of the step's lock: it does so when it has ended all of it. */
function isFree(lock: number): boolean {
  const pause = new Int32Array(new SharedArrayBuffer(4))
  for (let waited = 0; waited < patienceMs; waited += pollMs) {
    if (tryFlock(lock, 'exclusive')) return true
    Atomics.wait(pause, 0, 0, pollMs)
  }
  return false
}
