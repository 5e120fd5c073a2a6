/** Users and groups by /etc/passwd and /etc/group of an image, by docker's rules. Pure: the files are given as text. */
import { WherryError } from '../core/errors.ts'

/** What a process runs as. */
export interface ResolvedUser {
  readonly uid: number
  readonly gid: number
  readonly supplementaryGids: readonly number[]
  /** Home folder by passwd, '/' without an entry. */
  readonly home: string
}

/** Text of the two files; undefined if the image has none. */
export interface UserFiles {
  readonly passwd?: string
  readonly group?: string
}

interface PasswdLine {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}

interface GroupLine {
  readonly name: string
  readonly gid: number
  readonly members: readonly string[]
}

/**
 * Whom USER names: `name`, `uid`, `name:group`, `uid:gid`, … ; '' is root. A number is always an id, with or without an entry.
 * Without a group: the user's own one and those that list the name. With a group: that one alone. As moby/sys/user GetExecUser.
 * @throws WherryError `user-unknown`
 */
export function resolveUser(spec: string, files: UserFiles): ResolvedUser {
  const [userPart = '', groupPart = ''] = spec.split(':')
  const uid = numberOf(userPart)
  const users = parsePasswd(files.passwd ?? '')
  const user = users.find((u) =>
    userPart === '' ? u.uid === 0 : uid === undefined ? u.name === userPart : u.uid === uid,
  )
  if (user === undefined && userPart !== '' && uid === undefined) throw unknown('user', userPart, 'passwd')
  const own = { uid: user?.uid ?? uid ?? 0, home: user?.home === undefined || user.home === '' ? '/' : user.home }
  const groups = parseGroup(files.group ?? '')
  if (groupPart !== '') return { ...own, gid: gidOf(groupPart, groups), supplementaryGids: [] }
  const member = user === undefined ? [] : groups.filter((g) => g.members.includes(user.name)).map((g) => g.gid)
  return { ...own, gid: user?.gid ?? 0, supplementaryGids: member }
}

/**
 * Whom `--chown` names. Unlike USER, a number alone is the group's id too, and a name alone takes its group from passwd.
 * @throws WherryError `user-unknown` where BuildKit silently takes root
 */
export function resolveOwner(spec: string, files: UserFiles): { uid: number; gid: number } {
  const [userPart = '', groupPart = ''] = spec.split(':')
  const uid = numberOf(userPart)
  const user = uid === undefined ? parsePasswd(files.passwd ?? '').find((u) => u.name === userPart) : undefined
  if (uid === undefined && user === undefined && userPart !== '') throw unknown('user', userPart, 'passwd')
  const gid = groupPart === '' ? (user?.gid ?? uid ?? 0) : gidOf(groupPart, parseGroup(files.group ?? ''))
  return { uid: user?.uid ?? uid ?? 0, gid }
}

/** True if a USER or `--chown` value can be resolved without the files. */
export function isNumericOwner(spec: string): boolean {
  return spec.split(':').every((part) => part === '' || numberOf(part) !== undefined)
}

function gidOf(text: string, groups: readonly GroupLine[]): number {
  const gid = numberOf(text) ?? groups.find((g) => g.name === text)?.gid
  if (gid === undefined) throw unknown('group', text, 'group')
  return gid
}

/** An id, or undefined for a name. The kernel's ids go to 2^32 - 2, docker's to 2^31 - 1. */
function numberOf(text: string): number | undefined {
  if (!/^\d+$/.test(text)) return undefined
  const id = Number(text)
  if (id > 0x7fffffff) throw new WherryError('user-unknown', `${text} is out of range for a user or group id`)
  return id
}

/** The lines with a name and both ids; others are passed over, where docker takes an id that is no number for 0, which is root. */
function parsePasswd(text: string): PasswdLine[] {
  return linesOf(text).flatMap(([name, , uid, gid, , home]) => {
    const ids = [numeric(uid), numeric(gid)] as const
    if (name === undefined || name === '' || ids[0] === undefined || ids[1] === undefined) return []
    return [{ name, uid: ids[0], gid: ids[1], home: home ?? '' }]
  })
}

function parseGroup(text: string): GroupLine[] {
  return linesOf(text).flatMap(([name, , gid, members]) => {
    const id = numeric(gid)
    if (name === undefined || name === '' || id === undefined) return []
    return [{ name, gid: id, members: (members ?? '').split(',').filter((m) => m !== '') }]
  })
}

function linesOf(text: string): string[][] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'))
}

function numeric(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined
}

function unknown(what: 'user' | 'group', name: string, file: 'passwd' | 'group'): WherryError {
  return new WherryError('user-unknown', `the ${what} "${name}" is not in the image's /etc/${file}`, {
    hint: `Create it in an earlier RUN, or write its number.`,
  })
}
