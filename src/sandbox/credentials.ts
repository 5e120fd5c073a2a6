/** The ids of an emulated process and what changes them, as credentials(7) and setresuid(2) have it: pure. */

/** The ids of one kind: real, effective and saved. */
export type IdTriple = readonly [real: number, effective: number, saved: number]

/** Who a process is. The ids for files are the effective ones. */
export interface Credentials {
  readonly uids: IdTriple
  readonly gids: IdTriple
  /** Supplementary groups. */
  readonly groups: readonly number[]
  /** Asked with PR_SET_KEEPCAPS to stay able to change its ids until it executes something, as setpriv(1) does. */
  readonly keepsCapabilities?: boolean
}

/** As a container's first process. */
export const rootCredentials: Credentials = { uids: [0, 0, 0], gids: [0, 0, 0], groups: [] }

/** True if files that it makes belong to 0:0, and it may do everything. */
export function isRoot({ uids, gids }: Credentials): boolean {
  return uids[1] === 0 && gids[1] === 0
}

/** A call that changes ids; -1 among the arguments leaves one as it was. */
export type IdChange = 'setuid' | 'setgid' | 'setreuid' | 'setregid' | 'setresuid' | 'setresgid'

/** What comes of a change; undefined if the process may not make it (EPERM). */
export function changeIds(who: Credentials, call: IdChange, ids: readonly number[]): Credentials | undefined {
  const kind = call.endsWith('uid') ? 'uids' : 'gids'
  const old = who[kind]
  const triple = maySetIds(who) ? asRoot(call, old, ids) : asOther(call, old, ids)
  return triple === undefined ? undefined : { ...who, [kind]: triple }
}

/** True if it may take on any id. */
export function maySetIds({ uids, keepsCapabilities }: Credentials): boolean {
  return uids[1] === 0 || keepsCapabilities === true
}

function asRoot(call: IdChange, old: IdTriple, ids: readonly number[]): IdTriple {
  const [a = -1, b = -1, c = -1] = ids
  if (call === 'setuid' || call === 'setgid') return [a, a, a]
  if (call === 'setresuid' || call === 'setresgid') return [or(a, old[0]), or(b, old[1]), or(c, old[2])]
  return pair(old, a, b)
}

/** Others may take on what they have already as one of the three. */
function asOther(call: IdChange, old: IdTriple, ids: readonly number[]): IdTriple | undefined {
  const [a = -1, b = -1, c = -1] = ids
  if (call === 'setuid' || call === 'setgid') return a === old[0] || a === old[2] ? [old[0], a, old[2]] : undefined
  if (call === 'setresuid' || call === 'setresgid')
    return ids.every((id) => id === -1 || old.includes(id)) ? asRoot(call, old, [a, b, c]) : undefined
  const realFits = a === -1 || a === old[0] || a === old[1]
  return realFits && (b === -1 || old.includes(b)) ? pair(old, a, b) : undefined
}

/** setreuid(2): the saved id follows the effective one if the real one was set, or the effective one to another than the real. */
function pair(old: IdTriple, real: number, effective: number): IdTriple {
  const now = or(effective, old[1])
  return [or(real, old[0]), now, real !== -1 || (effective !== -1 && effective !== old[0]) ? now : old[2]]
}

function or(id: number, otherwise: number): number {
  return id === -1 ? otherwise : id
}

/** Executing a program: the effective ids are saved, after those of a setuid or setgid file were taken on. */
export function executed(who: Credentials, file: { readonly uid?: number; readonly gid?: number }): Credentials {
  const uid = file.uid ?? who.uids[1]
  const gid = file.gid ?? who.gids[1]
  return { groups: who.groups, uids: [who.uids[0], uid, uid], gids: [who.gids[0], gid, gid] }
}

/** chown(2): root may do everything; an owner may give a file to one of its own groups. */
export function mayChown(
  who: Credentials,
  file: { readonly uid: number; readonly gid: number },
  wanted: { readonly uid: number; readonly gid: number },
): boolean {
  const uid = who.uids[1]
  if (uid === 0) return true
  if (wanted.uid !== -1 && (wanted.uid !== file.uid || file.uid !== uid)) return false
  if (wanted.gid === -1) return true
  return file.uid === uid && [file.gid, who.gids[1], ...who.groups].includes(wanted.gid)
}
