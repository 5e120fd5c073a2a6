/** Answers for calls that tell a file's status, with the owner that it was to have, and for those that change the owner. */
import { chownSync, lchownSync } from 'node:fs'
import { constants as osConstants } from 'node:os'
import { readRemoteString, writeRemote } from '../../host/remote.ts'
import type { Answer, Notification } from '../../host/seccomp.ts'
import {
  type FilePlace,
  parseStatx,
  patchStat,
  patchStatx,
  statBytes,
  statxBytes,
  type ShownOwner,
} from '../../host/status.ts'
import type { CallName } from '../calls.ts'
import { mayChown } from '../credentials.ts'
import { type Desk, type Handler, done, notPermitted, proceed } from './answers.ts'
import { type Named, at, withNamed } from './caller.ts'

/** Handlers by call. */
export const statusHandlers: Partial<Record<CallName, Handler>> = {
  stat: (call, desk) => show(call, desk, { named: byPath(call.word(0), 0), into: call.word(1) }),
  lstat: (call, desk) => show(call, desk, { named: byPath(call.word(0), at.noFollow), into: call.word(1) }),
  fstat: (call, desk) => show(call, desk, { named: { folder: call.int(0), follow: true }, into: call.word(1) }),
  newfstatat: (call, desk) =>
    show(call, desk, { named: inFolder(call.int(0), call.word(1), call.int(3)), into: call.word(2) }),
  statx: (call, desk) =>
    show(call, desk, { named: inFolder(call.int(0), call.word(1), call.int(2)), into: call.word(4), extended: true }),
  chown: (call, desk) => chown(call, desk, { named: byPath(call.word(0), 0), uid: call.int(1), gid: call.int(2) }),
  lchown: (call, desk) =>
    chown(call, desk, { named: byPath(call.word(0), at.noFollow), uid: call.int(1), gid: call.int(2) }),
  fchown: (call, desk) =>
    chown(call, desk, { named: { folder: call.int(0), follow: true }, uid: call.int(1), gid: call.int(2) }),
  fchownat: (call, desk) =>
    chown(call, desk, {
      named: inFolder(call.int(0), call.word(1), call.int(4)),
      uid: call.int(2),
      gid: call.int(3),
    }),
}

function byPath(path: bigint, flags: number): Named {
  return inFolder(at.currentDirectory, path, flags)
}

function inFolder(folder: number, path: bigint, flags: number): Named {
  return { folder, path, follow: (flags & at.noFollow) === 0, mayBeEmpty: (flags & at.emptyPath) !== 0 }
}

interface Showing {
  readonly named: Named
  /** Address of the result. */
  readonly into: bigint
  /** Struct statx is wanted. */
  readonly extended?: boolean
}

/** The kernel answers for every file whose owner is what it knows. */
function show({ pid, id }: Notification, { owners, isWaiting }: Desk, { named, into, extended }: Showing): Answer {
  const bytes = withNamed(pid, named, (place) => {
    const status = statxBytes(place)
    const owner = status && owners.find(parseStatx(status))
    return owner && shown(place, owner, extended === true ? status : undefined)
  })
  if (bytes === undefined || !isWaiting(id)) return proceed
  writeRemote(pid, into, bytes)
  return done
}

function shown(place: FilePlace, owner: ShownOwner, statx: Buffer | undefined): Buffer | undefined {
  const bytes = statx ?? statBytes(place)
  if (bytes === undefined) return undefined
  if (statx === undefined) patchStat(bytes, owner)
  else patchStatx(bytes, owner)
  return bytes
}

interface Chowning {
  readonly named: Named
  /** -1 leaves it as it was. */
  readonly uid: number
  readonly gid: number
}

/**
 * The file itself stays with the only id there is, but is chowned to that, for what chown does besides: it copies a file of a
 * lower layer up (after which inode and birth time are final), and takes setuid bits and capabilities away.
 */
function chown(call: Notification, { owners, credentials }: Desk, { named, uid, gid }: Chowning): Answer {
  const who = credentials.of(call.pid)
  const change = (place: FilePlace): Answer | undefined => {
    const before = statxBytes(place)
    if (before === undefined) return undefined
    if (!mayChown(who, owners.find(parseStatx(before)) ?? { uid: 0, gid: 0 }, { uid, gid })) return notPermitted
    chownToRoot(place)
    const after = statxBytes(place)
    if (after === undefined) return undefined
    owners.change(parseStatx(after), { before: parseStatx(before), uid, gid })
    return done
  }
  // What leads through a link of /proc (`/dev/stdout`) is no file of a layer; what cannot be found the kernel cannot find either.
  const otherwise = (errno: number): Answer | undefined =>
    magicLink.includes(errno) || isOwnDescriptor(call.pid, named) ? done : undefined
  return withNamed(call.pid, named, change, otherwise) ?? proceed
}

/** Names of the process's own descriptors: /proc/self is nobody for a process outside of its pid namespace. */
const ownDescriptor = /^(\/dev\/(stdin|stdout|stderr|fd\/\d+)|\/proc\/(self|thread-self)\/fd\/\d+)$/

function isOwnDescriptor(pid: number, { path, follow }: Named): boolean {
  return follow && path !== undefined && ownDescriptor.test(readRemoteString(pid, path)?.toString('latin1') ?? '')
}

function chownToRoot(place: FilePlace): void {
  if (typeof place === 'number') chownSync(`/proc/self/fd/${place}`, 0, 0)
  else (place.follow ? chownSync : lchownSync)(place.path.subarray(0, -1), 0, 0)
}

/** ELOOP and EXDEV, with which openat2(2) refuses links of /proc. */
const magicLink: readonly number[] = [osConstants.errno.ELOOP, osConstants.errno.EXDEV]
