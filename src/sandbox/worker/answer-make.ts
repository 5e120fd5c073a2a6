/** Answers for calls that make files: for a process that is not root they are made here, and belong to who it is; devices always. */
import { closeSync, constants, lstatSync, mkdirSync, openSync, symlinkSync } from 'node:fs'
import { makeNode } from '../../host/files.ts'
import { readRemoteString, remoteStatus } from '../../host/remote.ts'
import type { Answer, Notification } from '../../host/seccomp.ts'
import { parseStatx, splitDevice, statxBytes } from '../../host/status.ts'
import type { CallName } from '../calls.ts'
import type { RecordedOwner } from '../contract.ts'
import { isRoot } from '../credentials.ts'
import { type Desk, type Handler, done, notPermitted, proceed } from './answers.ts'
import { type NewPlace, at, withNewPlace } from './caller.ts'

const exists: Answer = { kind: 'errno', errno: 17 }

/** Handlers by call. */
export const makeHandlers: Partial<Record<CallName, Handler>> = {
  open: (call, desk) => open(call, desk, { path: call.word(0), flags: call.int(1), mode: call.int(2) }),
  openat: (call, desk) =>
    open(call, desk, { folder: call.int(0), path: call.word(1), flags: call.int(2), mode: call.int(3) }),
  creat: (call, desk) => open(call, desk, { path: call.word(0), flags: creatFlags, mode: call.int(1) }),
  mkdir: (call, desk) => mkdir(call, desk, { path: call.word(0), mode: call.int(1) }),
  mkdirat: (call, desk) => mkdir(call, desk, { folder: call.int(0), path: call.word(1), mode: call.int(2) }),
  symlink: (call, desk) => symlink(call, desk, { target: call.word(0), path: call.word(1) }),
  symlinkat: (call, desk) => symlink(call, desk, { target: call.word(0), folder: call.int(1), path: call.word(2) }),
  mknod: (call, desk) => mknod(call, desk, { path: call.word(0), mode: call.int(1), device: call.int(2) }),
  mknodat: (call, desk) =>
    mknod(call, desk, { folder: call.int(0), path: call.word(1), mode: call.int(2), device: call.int(3) }),
}

const creatFlags = constants.O_CREAT | constants.O_WRONLY | constants.O_TRUNC
const closeOnExec = 0o2000000

/** A path from a folder of the process; without a folder, from its working directory. */
interface Wish {
  readonly folder?: number
  readonly path: bigint
}

/** Calls `make` if the process is not root and nothing is there yet; what it made then belongs to the process. */
function asOther(call: Notification, desk: Desk, wish: Wish, make: (path: Buffer) => Answer | undefined): Answer {
  if (isRoot(desk.credentials.of(call.pid))) return proceed
  return makeAt(call, desk, wish, { make }) ?? proceed
}

interface Making {
  make(this: void, path: Buffer): Answer | undefined
  readonly device?: RecordedOwner['device']
}

function makeAt(call: Notification, desk: Desk, wish: Wish, { make, device }: Making): Answer | undefined {
  const { folder = at.currentDirectory, path } = wish
  return withNewPlace(call.pid, { folder, path }, (place) => {
    const here = Buffer.concat([Buffer.from(`/proc/self/fd/${place.folder}/`), place.name])
    if (lstatSync(here, { throwIfNoEntry: false }) !== undefined || !desk.isWaiting(call.id)) return undefined
    const answer = make(here)
    if (answer !== undefined) recordNew(call, desk, { place, here, device })
    return answer
  })
}

const setgidBit = 0o2000

function recordNew(
  { pid }: Notification,
  { owners, credentials }: Desk,
  { place, here, device }: { place: NewPlace; here: Buffer; device?: RecordedOwner['device'] },
): void {
  const { uids, gids } = credentials.of(pid)
  const folderBytes = statxBytes(place.folder)
  const folder = folderBytes && parseStatx(folderBytes)
  const inherits = folder !== undefined && (folder.mode & setgidBit) !== 0
  const gid = inherits ? (owners.find(folder)?.gid ?? 0) : gids[1]
  const bytes = newBytes(here)
  if (bytes !== undefined) owners.record(parseStatx(bytes), { uid: uids[1], gid, ...(device && { device }) })
}

const pathOnly = 0o10000000

/** The status of what is at the path, no link followed. */
function newBytes(path: Buffer): Buffer | undefined {
  const fd = openSync(path, pathOnly | constants.O_NOFOLLOW)
  try {
    return statxBytes(fd)
  } finally {
    closeSync(fd)
  }
}

/** Permission bits for something new, as the process's umask leaves them; this process's own is 0. */
function allowed(pid: number, mode: number): number {
  return mode & 0o7777 & ~Number.parseInt(remoteStatus(pid, 'Umask') ?? '22', 8)
}

function open(call: Notification, desk: Desk, wish: Wish & { flags: number; mode: number }): Answer {
  const { flags, mode } = wish
  if ((flags & constants.O_DIRECTORY) !== 0) return proceed
  return asOther(call, desk, wish, (path) => {
    // Nothing is there, so this makes a plain file and waits for nothing.
    const fd = openSync(path, flags | constants.O_CREAT | constants.O_EXCL, allowed(call.pid, mode))
    return { kind: 'descriptor', fd, closeOnExec: (flags & closeOnExec) !== 0 }
  })
}

function mkdir(call: Notification, desk: Desk, wish: Wish & { mode: number }): Answer {
  return asOther(call, desk, wish, (path) => {
    mkdirSync(path, { mode: allowed(call.pid, wish.mode) })
    return done
  })
}

function symlink(call: Notification, desk: Desk, wish: Wish & { target: bigint }): Answer {
  return asOther(call, desk, wish, (path) => {
    const target = readRemoteString(call.pid, wish.target)
    if (target === undefined || target.length === 0) return undefined
    symlinkSync(target, path)
    return done
  })
}

const typeOf = { mask: 0o170000, char: 0o020000, block: 0o060000, fifo: 0o010000, file: 0o100000 } as const

function mknod(call: Notification, desk: Desk, wish: Wish & { mode: number; device: number }): Answer {
  const { mode } = wish
  const type = mode & typeOf.mask
  const file = (path: Buffer): Answer => {
    closeSync(openSync(path, 'wx', allowed(call.pid, mode)))
    return done
  }
  if (type === typeOf.char || type === typeOf.block) return device(call, desk, wish, file)
  return asOther(call, desk, wish, (path) => {
    if (type === typeOf.file || type === 0) return file(path)
    if (type !== typeOf.fifo) return undefined
    makeNode(path, { type: 'fifo', mode: allowed(call.pid, mode) })
    return done
  })
}

/** An empty file stands for the device on disk. */
function device(
  call: Notification,
  desk: Desk,
  wish: Wish & { mode: number; device: number },
  make: (path: Buffer) => Answer,
): Answer {
  if (desk.credentials.of(call.pid).uids[1] !== 0) return notPermitted
  const type = (wish.mode & typeOf.mask) === typeOf.char ? 'char' : 'block'
  return makeAt(call, desk, wish, { make, device: { type, ...splitDevice(wish.device) } }) ?? exists
}
