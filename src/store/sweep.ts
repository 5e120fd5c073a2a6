/** Removes what dead processes left: temp files and folders, leases, broken locks. */
import { readFile, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf } from '../core/errors.ts'
import { ifStillThere } from '../core/if-there.ts'
import { ownerIsDead } from '../host/owner.ts'

/** The folders to sweep. */
export interface SweepParts {
  readonly tmpDir: string
  readonly leasesDir: string
  readonly locksDir: string
}

/** Sweeps a store. Cheap when there is nothing to do: one listing of each folder. */
export async function sweepStore({ tmpDir, leasesDir, locksDir }: SweepParts): Promise<void> {
  await Promise.all([
    sweepFolder(tmpDir, () => true),
    sweepFolder(leasesDir, () => true),
    sweepFolder(locksDir, (name) => name.endsWith('.broken')),
  ])
}

async function sweepFolder(dir: string, concerns: (name: string) => boolean): Promise<void> {
  const names = (await readdir(dir)).filter(concerns)
  const dead = (await Promise.all(names.map((name) => deadPath(dir, name)))).filter((path) => path !== undefined)
  if (dead.length === 0) return
  const mounts = await mountPoints()
  // Never delete through a mount that someone left behind: what is below it is not ours.
  const free = dead.filter((path) => !mounts.some((m) => m === path || m.startsWith(`${path}/`)))
  await Promise.all(free.map(removeTree))
}

async function deadPath(dir: string, name: string): Promise<string | undefined> {
  const path = join(dir, name)
  const found = await ifStillThere(stat(path))
  return found !== undefined && ownerIsDead(name, found.mtimeMs) ? path : undefined
}

async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 2 })
  } catch (error) {
    // Files of the namespace's other ids can only be removed inside it; being written to at this moment counts as not dead.
    if (!['EACCES', 'EPERM', 'ENOTEMPTY', 'EBUSY'].includes(errnoOf(error) ?? '')) throw error
  }
}

/** Mount points that this process sees. Field 5 of proc_pid_mountinfo(5), octal escapes decoded. */
async function mountPoints(): Promise<string[]> {
  // Without /proc nothing can be mounted by wherry either.
  const text = (await ifStillThere(readFile('/proc/self/mountinfo', 'utf8'))) ?? ''
  const unescape = (s: string): string =>
    s.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
  return text.split('\n').flatMap((line) => {
    const point = line.split(' ')[4]
    return point === undefined ? [] : [unescape(point)]
  })
}
