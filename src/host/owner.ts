/** Process identities in file names: who made a temp file or a lease, and whether that process still lives. */
import { randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { errnoOf } from '../core/errors.ts'

/** What tells one process from every other that ever ran: boot, pid namespace, pid and start time in clock ticks. */
export interface Owner {
  /** First 8 characters of the kernel's boot id. */
  readonly boot: string
  /** Inode of the pid namespace. */
  readonly pidNamespace: string
  readonly pid: number
  /** Field 22 of proc_pid_stat(5); '0' where there is no /proc. */
  readonly start: string
}

/** How long a name of another machine or container is believed when nothing touches its file, in milliseconds. */
const foreignPatienceMs = 24 * 3600 * 1000

const pattern = /^([0-9a-z]{8})-(\d+)-(\d+)-(\d+)-/

let self: Owner | undefined

/** The identity of this process. */
export function selfOwner(): Owner {
  self ??= probeSelf()
  return self
}

function probeSelf(): Owner {
  try {
    const stat = parseStat(readFileSync('/proc/self/stat', 'latin1'))
    return {
      boot: readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').slice(0, 8),
      pidNamespace: /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0',
      pid: stat.pid,
      start: stat.start,
    }
  } catch {
    // Without /proc the pid is all there is to go by.
    return { boot: 'noprocfs', pidNamespace: '0', pid: process.pid, start: '0' }
  }
}

function parseStat(text: string): { pid: number; state: string; start: string } {
  // The command name may hold spaces and parentheses: fields count from after the last ')'.
  const rest = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { pid: Number.parseInt(text, 10), state: rest[0] ?? '', start: rest[19] ?? '0' }
}

/** A fresh file name `<boot>-<pid namespace>-<pid>-<start>-<random>-<label>` owned by this process. */
export function ownedName(label: string): string {
  const { boot, pidNamespace, pid, start } = selfOwner()
  const safe = label.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, 80)
  return `${boot}-${pidNamespace}-${pid}-${start}-${randomBytes(8).toString('hex')}-${safe}`
}

/** The owner that a file name names, or undefined if it is not of the form of `ownedName`. */
export function parseOwnedName(name: string): Owner | undefined {
  const match = pattern.exec(name)
  if (!match) return undefined
  const [, boot, pidNamespace, pid, start] = match as unknown as [string, string, string, string, string]
  return { boot, pidNamespace, pid: Number(pid), start }
}

/**
 * True if the process that made this name is gone.
 * Of this boot and pid namespace that is known exactly. Of another boot: dead unless touched since this machine started (a name
 * on a shared volume may belong to another machine). Of another pid namespace, or of no known form: dead after a day untouched.
 * @param touchedMs when the file was last modified, in milliseconds since 1970
 */
export function ownerIsDead(name: string, touchedMs: number): boolean {
  const owner = parseOwnedName(name)
  const me = selfOwner()
  const sameNamespace = owner !== undefined && owner.pidNamespace === me.pidNamespace
  if (sameNamespace && owner.boot === me.boot) return !isAlive(owner)
  if (touchedMs < Date.now() - foreignPatienceMs) return true
  return sameNamespace && touchedMs < bootTimeMs()
}

function isAlive(owner: Owner): boolean {
  if (owner.start === '0') return answersSignals(owner.pid)
  try {
    const stat = parseStat(readFileSync(`/proc/${owner.pid}/stat`, 'latin1'))
    // A zombie holds nothing; only its parent has not looked yet.
    return stat.start === owner.start && stat.state !== 'Z' && stat.state !== 'X'
  } catch {
    return false
  }
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errnoOf(error) === 'EPERM'
  }
}

function bootTimeMs(): number {
  try {
    const seconds = /^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'latin1'))?.[1]
    return Number(seconds ?? 0) * 1000
  } catch {
    return 0
  }
}
