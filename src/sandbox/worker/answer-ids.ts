/** Answers for calls about the process's own ids, and what executing a program does to them. */
import { readRemote, writeRemote } from '../../host/remote.ts'
import type { Answer, Notification } from '../../host/seccomp.ts'
import { parseStatx, statxBytes } from '../../host/status.ts'
import type { CallName } from '../calls.ts'
import { type Credentials, type IdChange, changeIds, executed, maySetIds } from '../credentials.ts'
import { type Desk, type Handler, done, notPermitted, proceed, value } from './answers.ts'
import { at, withNamed } from './caller.ts'

const invalid: Answer = { kind: 'errno', errno: 22 }

/** How many ids each call that changes some takes. */
const changes: Readonly<Record<IdChange, number>> = {
  ...{ setuid: 1, setgid: 1, setreuid: 2, setregid: 2, setresuid: 3, setresgid: 3 },
}

type Getter = (call: Notification, who: Credentials) => Answer

const getters: Partial<Record<CallName, Getter>> = {
  getuid: (_call, { uids }) => value(uids[0]),
  geteuid: (_call, { uids }) => value(uids[1]),
  getgid: (_call, { gids }) => value(gids[0]),
  getegid: (_call, { gids }) => value(gids[1]),
  getresuid: (call, { uids }) => giveThree(call, uids),
  getresgid: (call, { gids }) => giveThree(call, gids),
  getgroups: giveGroups,
  // The ids for files follow the effective ones here. Their old value is the result; no call says that it failed.
  setfsuid: (_call, { uids }) => value(uids[1]),
  setfsgid: (_call, { gids }) => value(gids[1]),
}

/** Handlers by call. */
export const idHandlers: Partial<Record<CallName, Handler>> = {
  ...Object.fromEntries(
    Object.entries(getters).map(([name, getter]) => [
      name,
      (call: Notification, { credentials }: Desk): Answer => getter(call, credentials.of(call.pid)),
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(changes).map(([name, count]) => [
      name,
      (call: Notification, desk: Desk): Answer => change(call, desk, { name: name as IdChange, count }),
    ]),
  ),
  setgroups: changeGroups,
  prctl: keepCapabilities,
  // Limits that a program resets (pam_limits does) must not take the mark away that says who it is.
  getrlimit: (call) => unlimited(call, call.word(1)),
  setrlimit: () => done,
  prlimit64: (call) => unlimited(call, call.word(3)),
  execve: (call, desk) => execute(call, desk, { folder: at.currentDirectory, path: call.word(0) }),
  execveat: (call, desk) => execute(call, desk, { folder: call.int(0), path: call.word(1), flags: call.int(4) }),
}

function change(call: Notification, { credentials }: Desk, { name, count }: { name: IdChange; count: number }): Answer {
  const ids = [0, 1, 2].slice(0, count).map((i) => call.int(i))
  const next = changeIds(credentials.of(call.pid), name, ids)
  if (next === undefined) return notPermitted
  credentials.set(call.pid, next)
  return done
}

function unlimited(call: Notification, into: bigint): Answer {
  if (into !== 0n) writeRemote(call.pid, into, Buffer.alloc(16, 0xff))
  return done
}

function keepCapabilities(call: Notification, { credentials }: Desk): Answer {
  const { keepsCapabilities: _before, ...who } = credentials.of(call.pid)
  credentials.set(call.pid, call.int(1) === 0 ? who : { ...who, keepsCapabilities: true })
  return proceed
}

const mostGroups = 65536

function changeGroups(call: Notification, { credentials }: Desk): Answer {
  const who = credentials.of(call.pid)
  if (!maySetIds(who)) return notPermitted
  const count = call.int(0)
  if (count < 0 || count > mostGroups) return invalid
  const bytes = count === 0 ? Buffer.alloc(0) : readRemote(call.pid, call.word(1), 4 * count)
  const groups = Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readUInt32LE(4 * i))
  credentials.set(call.pid, { ...who, groups })
  return done
}

function giveThree(call: Notification, ids: readonly number[]): Answer {
  ids.forEach((id, i) => writeRemote(call.pid, call.word(i), wordsOf([id])))
  return done
}

function giveGroups(call: Notification, { groups }: Credentials): Answer {
  const room = call.int(0)
  if (room === 0) return value(groups.length)
  if (room < groups.length) return invalid
  if (groups.length > 0) writeRemote(call.pid, call.word(1), wordsOf(groups))
  return value(groups.length)
}

function wordsOf(numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * numbers.length)
  numbers.forEach((number, i) => bytes.writeUInt32LE(number >>> 0, 4 * i))
  return bytes
}

const setuidBit = 0o4000
/** Without execution by the group the setgid bit is a mark of something else. */
const setgidBits = 0o2010

/** Takes the ids of a setuid or setgid file, which root does not need. The kernel does the rest, and for all ids are the same. */
function execute(
  call: Notification,
  { credentials, owners }: Desk,
  { folder, path, flags = 0 }: { folder: number; path: bigint; flags?: number },
): Answer {
  const who = credentials.of(call.pid)
  if (who.keepsCapabilities !== true && [...who.uids, ...who.gids].every((id) => id === 0)) return proceed
  const named = { folder, path, follow: (flags & at.noFollow) === 0, mayBeEmpty: (flags & at.emptyPath) !== 0 }
  const next = withNamed(call.pid, named, (place) => {
    const bytes = statxBytes(place)
    if (bytes === undefined) return undefined
    const file = parseStatx(bytes)
    const owner = owners.find(file) ?? { uid: 0, gid: 0 }
    return executed(who, {
      ...((file.mode & setuidBit) === 0 ? {} : { uid: owner.uid }),
      ...((file.mode & setgidBits) === setgidBits ? { gid: owner.gid } : {}),
    })
  })
  if (next !== undefined) credentials.set(call.pid, next)
  return proceed
}
