/** All that descends from this process, for places without a pid namespace: kept together, and ended without exception. */
import { readFileSync, readdirSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { WherryError, errnoOf } from '../core/errors.ts'
import { checked, libcFunction } from './libc.ts'

const prctl = libcFunction('int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)')
const waitpid = libcFunction('int waitpid(int, void*, int)')

const setChildSubreaper = 36
const doNotHang = 1
const anyClone = 0x40000000

/** Makes this process the parent of descendants whose own parent dies (PR_SET_CHILD_SUBREAPER): none gets out of sight. @throws SystemError */
export function adoptOrphans(): void {
  checked(prctl(setChildSubreaper, 1, 0, 0, 0), 'prctl PR_SET_CHILD_SUBREAPER')
}

interface Process {
  readonly pid: number
  readonly parent: number
  /** Letter of proc_pid_stat(5). */
  readonly state: string
}

/** Processes that run and descend from one, parents before their children. */
function runningDescendants(ancestor: number = process.pid): Process[] {
  const all = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (readProcess(name) ?? []) : []))
  const found: Process[] = []
  for (let parents = [ancestor]; parents.length > 0; ) {
    const children = all.filter(({ parent }) => parents.includes(parent))
    found.push(...children)
    parents = children.map(({ pid }) => pid)
  }
  return found.filter(({ state }) => !'ZX'.includes(state))
}

const stopLimitMs = 5000

/**
 * Stops what descends from a process. Parents are stopped before their children and go on after them, so that no shell among them
 * takes its child for one that its user has stopped.
 * @returns lets all go on
 */
export async function stopDescendants(ancestor: number): Promise<() => void> {
  const stopped: number[] = []
  const goOn = (): void => {
    for (const pid of [ancestor, ...stopped].toReversed()) send(pid, 'SIGCONT')
  }
  const end = Date.now() + stopLimitMs
  for (let quiet = 0; quiet < 2; ) {
    const found = runningDescendants(ancestor)
    const fresh = found.filter(({ pid }) => !stopped.includes(pid))
    for (const { pid } of fresh) {
      stopped.push(pid)
      send(pid, 'SIGSTOP')
    }
    // Who waits for a disk cannot be stopped before that is done.
    const moving = found.some(({ state }) => !'Tt'.includes(state))
    quiet = fresh.length === 0 && !moving ? quiet + 1 : 0
    if (Date.now() < end) {
      await delay(passMs)
      continue
    }
    goOn()
    throw new WherryError('sandbox-failed', 'a process of the container cannot be stopped', {
      hint: 'Use --pause=false, or try again.',
    })
  }
  return goOn
}

function readProcess(name: string): Process | undefined {
  try {
    const stat = readFileSync(`/proc/${name}/stat`, 'latin1')
    // The program's name stands in parentheses and may hold any.
    const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { pid: Number(name), parent: Number(parent), state }
  } catch {
    return undefined // Gone meanwhile.
  }
}

const patientPasses = 20
const passMs = 2

/**
 * Kills everything that descends from this process; resolves when nothing of it is seen to run. A process that is stopped
 * starts no other one, so all are stopped before any is killed: who kills one by one never ends with those that multiply.
 */
export async function killDescendants(): Promise<void> {
  for (let pass = 0; ; pass++) {
    const found = runningDescendants()
    if (found.length === 0) return
    const moving = pass < patientPasses ? found.filter(({ state }) => !'Tt'.includes(state)) : []
    if (moving.length > 0) for (const { pid } of moving) send(pid, 'SIGSTOP')
    else for (const { pid } of found) send(pid, 'SIGKILL')
    await delay(passMs)
  }
}

/**
 * Kills and reaps everything that descends from this process; resolves when there is nothing, which is then certain. Node must
 * wait for no child any more.
 */
export async function endDescendants(): Promise<void> {
  for (;;) {
    if (!hasChildren()) return
    await killDescendants()
    if (!hasChildren()) return
    await delay(passMs)
  }
}

function send(pid: number, signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error
  }
}

/** Reaps every child that has ended. True if others are left: the exact truth, whatever /proc showed at which moment. */
function hasChildren(): boolean {
  for (;;) {
    const pid = waitpid(-1, null, doNotHang | anyClone)
    if (pid === 0) return true
    if (pid < 0) return false
  }
}
