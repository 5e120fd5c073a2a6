/** Control groups below this process's own, where that one was given to the user: cgroups(7), version 2. */
import { accessSync, constants, mkdirSync, readFileSync, readdirSync, rmdirSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { WherryError, errnoOf } from '../core/errors.ts'
import { ownedName, ownerIsDead, parseOwnedName } from './owner.ts'

/** A control group for one run. */
export interface Cgroup {
  readonly dir: string
  /** Removes it, and what was made above it for it. Its processes must have ended. */
  remove(this: void): Promise<void>
}

/**
 * Makes a group of its own below `parent`, which is taken from this process's group on.
 * @throws WherryError `host-unsupported` with the reason if that may not be done, `usage` if the name leads out of it
 */
export function makeCgroup(parent: string): Cgroup {
  const parts = parent.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) throw new WherryError('usage', `the control group "${parent}" leads out of wherry's own`)
  const own = ownCgroup()
  const made: string[] = []
  try {
    // Who moves a process needs to write to the nearest group above both places.
    accessSync(join(own, 'cgroup.procs'), constants.W_OK)
    const folder = parts.reduce((above, part) => makeGroup(join(above, part), made), own)
    removeDead(folder)
    const dir = makeGroup(join(folder, ownedName('run')), made)
    return { dir, remove: () => removeGroups(made) }
  } catch (cause) {
    const reason = errnoOf(cause) ?? String(cause)
    throw new WherryError('host-unsupported', `control group "${parent}": ${own} may not be changed (${reason})`, {
      hint: 'Start wherry in a group of your own: systemd-run --user --scope --property=Delegate=yes wherry …',
      cause,
    })
  }
}

function makeGroup(dir: string, made: string[]): string {
  try {
    mkdirSync(dir)
    made.push(dir)
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
  }
  return dir
}

/** Groups of processes that were killed before they could remove them. */
function removeDead(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (parseOwnedName(name) === undefined) continue
    const dir = join(folder, name)
    const stats = statSync(dir, { throwIfNoEntry: false })
    if (stats !== undefined && ownerIsDead(name, stats.mtimeMs)) tryRemove(dir)
  }
}

const attempts = 50
const attemptMs = 10

async function removeGroups(made: readonly string[]): Promise<void> {
  const [own, ...above] = made.toReversed()
  // A process that has ended counts until the kernel has tidied it up.
  for (let i = 0; own !== undefined && i < attempts && !tryRemove(own); i++) await delay(attemptMs)
  for (const dir of above) tryRemove(dir)
}

/** False if it is in use. */
function tryRemove(dir: string): boolean {
  try {
    rmdirSync(dir)
    return true
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return true
    if (['EBUSY', 'ENOTEMPTY', 'EACCES', 'EPERM'].includes(errnoOf(error) ?? '')) return false
    throw error
  }
}

/** Whether groups could be made for runs that ask for limits. */
export interface CgroupState {
  /** This process's group, as a folder; undefined without version 2. */
  readonly dir?: string
  readonly delegated: boolean
}

/** Looks at this process's group without changing anything. */
export function cgroupState(): CgroupState {
  try {
    const dir = ownCgroup()
    return { dir, delegated: isWritable(dir) && isWritable(join(dir, 'cgroup.procs')) }
  } catch {
    return { delegated: false } // No version 2 here.
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** The folder of this process's group. @throws WherryError `host-unsupported` if there is no version 2 */
function ownCgroup(): string {
  const path = /^0::(\/.*)$/m.exec(readText('/proc/self/cgroup'))?.[1]
  const mounts = readText('/proc/self/mountinfo').split('\n')
  // Fields: id, parent, device, root, mount point, options, optional fields, "-", type (proc_pid_mountinfo(5)).
  const mount = mounts.map((line) => line.split(' ')).find((fields) => fields[fields.indexOf('-') + 1] === 'cgroup2')
  const [, , , root, point] = mount ?? []
  if (path === undefined || root === undefined || point === undefined)
    throw new WherryError('host-unsupported', 'this machine shows no control groups of version 2')
  return join(point, relative(root, path))
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // A machine without it has no such groups.
  }
}
