/**
 * The listener of single mode: answers chown and its kin for the processes of runs, and remembers which owner each file was
 * to have. The file itself stays with the only id there is, but is chowned to that, for what chown does besides: it copies a
 * file of a lower layer up (after which inode and birth time are final), and takes setuid bits and capabilities away.
 *
 * A new file that is given to root, as which it appears anyway, is not recorded: mostly that is a copy on its way to replace
 * a file, with the owner that the program saw on that (useradd and /etc/shadow, which belongs to root:shadow). Without a
 * record the layer keeps the owner that the file below has.
 */
import { chownSync, closeSync, constants, fstatSync, openSync, readlinkSync, statSync, type BigIntStats } from 'node:fs'
import { constants as osConstants } from 'node:os'
import { errnoOf } from '../../core/errors.ts'
import { openInRoot } from '../../host/files.ts'
import { type Notification, readRemoteString } from '../../host/seccomp.ts'
import type { CallNumbers } from '../filter.ts'

/** Owners wanted, by `ino:birthtimeNs`; -1 for a half that no call has set. */
export type OwnerMap = Map<string, { readonly uid: number; readonly gid: number }>

/** Records per run, the run being known by its root folder. */
export interface Recorder {
  /** Starts to record for the root file system whose root folder is `key` (`rootKey`). Files born after `since` (ns) are new. */
  watch(this: void, key: string, since: bigint): void
  /** What was recorded for it, which ends it. */
  take(this: void, key: string): OwnerMap
  /** Carries out a call. @returns an errno, or 0 */
  handle(this: void, notification: Notification): number
}

/** Identity of a root folder, from its status. */
export function rootKey(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}`
}

const pathOnly = 0o10000000
const currentDirectory = -100
const noFollowFlag = 0x100
const emptyPathFlag = 0x1000

/** What a call names: a descriptor of the process, or a path from a folder of it. */
interface Target {
  readonly folder: number
  /** Undefined for the descriptor itself. */
  readonly path?: bigint
  readonly follow: boolean
  /** An empty path means the descriptor. */
  readonly mayBeEmpty?: boolean
  readonly uid: number
  readonly gid: number
}

/** A recorder for the calls of this processor. */
export function createRecorder(calls: CallNumbers): Recorder {
  const runs = new Map<string, Run>()
  return {
    watch: (key, since) => void runs.set(key, { owners: new Map(), since }),
    take: (key) => {
      const owners = runs.get(key)?.owners ?? new Map<string, never>()
      runs.delete(key)
      return owners
    },
    handle: (notification) => {
      try {
        const target = targetOf(notification, calls.chown)
        const { before, file, root } = changeOwner(notification.pid, target)
        // A process that changed its root belongs to one of those that run; which one cannot be told.
        const known = runs.get(rootKey(root))
        for (const run of known === undefined ? runs.values() : [known]) record(run, { before, file }, target)
        return 0
      } catch (error) {
        const name = errnoOf(error)
        if (name === undefined) throw error
        return osConstants.errno[name as keyof typeof osConstants.errno]
      }
    },
  }
}

interface Run {
  readonly owners: OwnerMap
  /** When it began, in nanoseconds since 1970. */
  readonly since: bigint
}

function record({ owners, since }: Run, { before, file }: Changed, { uid, gid }: Target): void {
  const key = `${file.ino}:${file.birthtimeNs}`
  const recorded = owners.get(key)
  if (recorded === undefined && uid <= 0 && gid <= 0 && before.birthtimeNs >= since) return
  const old = recorded ?? { uid: -1, gid: -1 }
  owners.set(key, { uid: uid === -1 ? old.uid : uid, gid: gid === -1 ? old.gid : gid })
}

function targetOf({ number, args }: Notification, chown: CallNumbers['chown']): Target {
  const [a = 0n, b = 0n, c = 0n, d = 0n, e = 0n] = args
  if (number === chown.fchown) return { folder: int(a), follow: true, uid: int(b), gid: int(c) }
  if (number !== chown.fchownat)
    return { folder: currentDirectory, path: a, follow: number !== chown.lchown, uid: int(b), gid: int(c) }
  const flags = int(e)
  const owner = { uid: int(c), gid: int(d) }
  return {
    folder: int(a),
    path: b,
    follow: (flags & noFollowFlag) === 0,
    mayBeEmpty: (flags & emptyPathFlag) !== 0,
    ...owner,
  }
}

/** Registers hold ids and descriptors as 32-bit integers; -1 means unchanged. */
function int(register: bigint): number {
  return Number(BigInt.asIntN(32, register))
}

/** A file as it was before the call and as it is now. */
interface Changed {
  readonly before: BigIntStats
  readonly file: BigIntStats
}

function changeOwner(pid: number, target: Target): Changed & { readonly root: BigIntStats } {
  const root = openSync(`/proc/${pid}/root`, pathOnly | constants.O_DIRECTORY)
  try {
    const rootStats = fstatSync(root, { bigint: true })
    const path = target.path === undefined ? undefined : pathOf(pid, target, target.path)
    if (path === undefined) return { ...chowned(`/proc/${pid}/fd/${target.folder}`), root: rootStats }
    const fd = openInRoot(root, path, pathOnly | (target.follow ? 0 : constants.O_NOFOLLOW))
    try {
      return { ...chowned(`/proc/self/fd/${fd}`), root: rootStats }
    } finally {
      closeSync(fd)
    }
  } finally {
    closeSync(root)
  }
}

/** Path is a link of /proc to an open file, which is followed to the file and no further. */
function chowned(path: string): Changed {
  const before = statSync(path, { bigint: true })
  chownSync(path, 0, 0)
  return { before, file: statSync(path, { bigint: true }) }
}

/** The path from the process's root; undefined if the call means its descriptor. */
function pathOf(pid: number, target: Target, address: bigint): Buffer | undefined {
  const path = readRemoteString(pid, address)
  if (path === undefined) throw Object.assign(new Error('path too long'), { code: 'ENAMETOOLONG' })
  if (path[0] === 0x2f) return path
  if (path.length === 0 && target.mayBeEmpty === true && target.folder >= 0) return undefined
  if (path.length === 0 && target.mayBeEmpty !== true) throw Object.assign(new Error('empty path'), { code: 'ENOENT' })
  const base = target.folder === currentDirectory ? 'cwd' : `fd/${target.folder}`
  const from = readlinkSync(`/proc/${pid}/${base}`, { encoding: 'buffer' })
  return Buffer.concat([withinRoot(pid, from), Buffer.from('/'), path])
}

/** The kernel writes the link as this thread sees it; a process that changed its root has a part in front. */
function withinRoot(pid: number, from: Buffer): Buffer {
  const root = readlinkSync(`/proc/${pid}/root`, { encoding: 'buffer' })
  return root.length > 1 && from.subarray(0, root.length).equals(root) ? from.subarray(root.length) : from
}
