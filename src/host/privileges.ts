/**
 * Root folder, ids and capabilities that a child is to start with, taken on by the thread that starts it: Node's own calls are
 * for the whole process, or leave out half. The thread comes back to what it was; what no child may have is gone for good.
 */
import { closeSync, constants, openSync } from 'node:fs'
import { cString, checked, libcFunction, syscall } from './libc.ts'

const prctl = libcFunction('int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)')
const chroot = libcFunction('int chroot(void*)')
const chdir = libcFunction('int chdir(void*)')
const fchdir = libcFunction('int fchdir(int)')

const boundingSetRead = 23
const boundingSetDrop = 24
const ambient = 47
const ambientClearAll = 4

/**
 * Makes children of this thread have at most the capabilities given, whoever they are and become; the thread keeps its own.
 * For good. Needs CAP_SETPCAP.
 * @param kept numbers of capabilities(7)
 * @throws SystemError
 */
export function boundChildren(kept: readonly number[]): void {
  // The kernel knows no number above its last one.
  for (let bit = 0; prctl(boundingSetRead, bit, 0, 0, 0) >= 0; bit++)
    if (!kept.includes(bit)) checked(prctl(boundingSetDrop, bit, 0, 0, 0), 'prctl PR_CAPBSET_DROP')
  checked(prctl(ambient, ambientClearAll, 0, 0, 0), 'prctl PR_CAP_AMBIENT')
  clearInheritable()
}

const capabilityVersion = 0x20080522 // _LINUX_CAPABILITY_VERSION_3: two sets of 32 bits each.

/** Where each set has its two words in what capget(2) gives. */
const words = { effective: [0, 12], inheritable: [8, 20] } as const

/** Changes this thread's capabilities. @returns them as they were */
function changeCapabilities(change: (sets: Buffer) => void): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt32LE(capabilityVersion, 0)
  const sets = Buffer.alloc(24)
  checked(syscall('capget', header, sets), 'capget')
  const before = Buffer.from(sets)
  change(sets)
  checked(syscall('capset', header, sets), 'capset')
  return before
}

/** What a root process inherits beside its bounding set: capabilities(7), "Transformation during execve". */
function clearInheritable(): void {
  changeCapabilities((sets) => {
    for (const offset of words.inheritable) sets.writeUInt32LE(0, offset)
  })
}

/** What a child starts with. */
export interface Disguise {
  /** Its root folder; nothing is mounted there. */
  readonly root: string
  /** Its working directory inside. */
  readonly cwd: string
  readonly gid: number
  readonly groups: readonly number[]
}

/**
 * Runs `work`, which must start a child and not wait, as the child is to be but for its user; then this thread, which must be root's and
 * whose root folder is that of the whole process, is itself again. Other threads must do nothing with files meanwhile.
 * @throws SystemError, and what `work` throws
 */
export function disguised<T>(disguise: Disguise, work: () => T): T {
  const home = openSync('/', constants.O_RDONLY | constants.O_DIRECTORY)
  const own = process.getgroups?.() ?? []
  const umask = process.umask(0o022)
  try {
    checked(chroot(cString(disguise.root)), 'chroot', disguise.root)
    checked(chdir(cString(disguise.cwd)), 'chdir', disguise.cwd)
    setGroups(disguise.groups)
    setIds([disguise.gid, disguise.gid, disguise.gid])
    return withoutSetgid(work)
  } finally {
    setIds([0, 0, 0])
    setGroups(own)
    checked(fchdir(home), 'fchdir')
    checked(chroot(cString('.')), 'chroot', '.')
    process.umask(umask)
    closeSync(home)
  }
}

const setgidBit = 1 << 6

/**
 * Node takes all groups from a child that it gives another user, if it may: here it may not. The user is given by Node, between
 * fork and exec, since a thread with the ids of a user, if only for a moment, could be signalled by whoever has them.
 */
function withoutSetgid<T>(work: () => T): T {
  const [low] = words.effective
  const before = changeCapabilities((sets) => sets.writeUInt32LE((sets.readUInt32LE(low) & ~setgidBit) >>> 0, low))
  try {
    return work()
  } finally {
    changeCapabilities((sets) => before.copy(sets))
  }
}

/** Of this thread alone: the C library's function is for all of them. */
function setIds([real, effective, saved]: [number, number, number]): void {
  checked(syscall('setresgid', real, effective, saved), 'setresgid')
}

function setGroups(groups: readonly number[]): void {
  const list = Buffer.alloc(4 * groups.length)
  groups.forEach((gid, i) => list.writeUInt32LE(gid, 4 * i))
  checked(syscall('setgroups', groups.length, groups.length === 0 ? 0 : list), 'setgroups')
}
