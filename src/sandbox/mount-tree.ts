/** The mounts of one run, made by the thread that starts it, in its own mount namespace. */
import { chmodSync, existsSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { posix } from 'node:path'
import { errnoOf } from '../core/errors.ts'
import { bindMount, mount, mountFlags, restrictMount } from '../host/mounts.ts'
import type { LaunchPlan } from './plan.ts'

const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty']
const links: readonly (readonly [name: string, target: string])[] = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
  ['ptmx', 'pts/ptmx'],
  ['core', '/proc/kcore'],
]

/** Kernel files that docker makes read-only, and those that it hides (its default "readonly" and "masked" paths). */
const readOnlyProc = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger']
const maskedProc = [
  'acpi',
  'asound',
  'interrupts',
  'kcore',
  'keys',
  'latency_stats',
  'sched_debug',
  'scsi',
  'timer_list',
]
const maskedSys = ['firmware', 'devices/virtual/powercap']

const { noSuid, noDev, noExec, readOnly, bind, remount } = mountFlags

/**
 * Mounts all but /proc, which only a process of the new pid namespace can.
 * @throws SystemError
 */
export function mountRunTree(plan: LaunchPlan): void {
  const at = (path: string): string => posix.join(plan.root, path)
  // A mount that other namespaces own is locked in place; a bind mount of it is not, and can become the root.
  bindMount(plan.root, plan.root)
  mountSys(plan, at('sys'))
  mountDev(plan, at('dev'))
  for (const { target, content } of plan.files) mountFile(at('dev/.file'), target, content)
  if (plan.hostProc) bindMount('/proc', at('proc'))
}

function mountSys(plan: LaunchPlan, sys: string): void {
  bindMount('/sys', sys)
  try {
    restrictMount(sys, 'readOnly')
  } catch (error) {
    // Before Linux 5.12 files are guarded by their modes, which suffice unless uid 0 is the kernel's own.
    if (errnoOf(error) !== 'ENOSYS' || plan.maskKernel) throw error
  }
  if (plan.maskKernel) for (const path of maskedSys) hideFolder(posix.join(sys, path))
}

function hideFolder(path: string): void {
  if (existsSync(path)) mount({ source: 'tmpfs', target: path, type: 'tmpfs', flags: readOnly, data: 'size=0' })
}

function mountDev(plan: LaunchPlan, dev: string): void {
  mount({ source: 'tmpfs', target: dev, type: 'tmpfs', flags: noSuid, data: 'mode=755,size=65536k' })
  for (const name of devices.filter((device) => existsSync(`/dev/${device}`))) {
    writeFileSync(`${dev}/${name}`, '')
    bindMount(`/dev/${name}`, `${dev}/${name}`)
  }
  for (const [name, target] of links) symlinkSync(target, `${dev}/${name}`)
  // What the run itself mounts at such a place is instead of it, as BuildKit has it.
  const isOwn = (name: string): boolean => !plan.mounts.some(({ target }) => posix.join('/', target) === `/dev/${name}`)
  for (const folder of ['pts', 'shm', 'mqueue'].filter(isOwn)) mkdirSync(`${dev}/${folder}`)
  const flags = noSuid | noExec
  const terminals = 'newinstance,ptmxmode=0666,mode=620'
  if (isOwn('pts')) mount({ source: 'devpts', target: `${dev}/pts`, type: 'devpts', flags, data: terminals })
  const shared = `mode=1777,size=${plan.shmSize}`
  if (isOwn('shm')) mount({ source: 'shm', target: `${dev}/shm`, type: 'tmpfs', flags: flags | noDev, data: shared })
  if (isOwn('mqueue') && existsSync('/proc/sys/fs/mqueue'))
    mount({ source: 'mqueue', target: `${dev}/mqueue`, type: 'mqueue', flags: flags | noDev })
  for (const { path, content, mode } of plan.devFiles) {
    mkdirSync(posix.dirname(`${dev}/${path}`), { recursive: true })
    writeFileSync(`${dev}/${path}`, content)
    chmodSync(`${dev}/${path}`, mode)
  }
}

/** The mount keeps the file when its name is gone, so that no temporary file is left whatever happens. */
function mountFile(temp: string, target: string, content: string): void {
  writeFileSync(temp, content)
  chmodSync(temp, 0o644)
  bindMount(temp, target)
  mount({ source: 'none', target, flags: bind | remount | readOnly | noSuid | noDev | noExec })
  rmSync(temp)
}

/**
 * Takes the setuid bit from a host program, for this process and what it starts: where the host's root is a mapped id, but
 * not uid 0, that bit would take the capabilities away.
 * @throws SystemError
 */
export function ignoreSetuid(program: string): void {
  bindMount(program, program)
  restrictMount(program, 'noSuid')
}

/** What is left to mount by mount(8), as lines of fstab(5). */
export function procTable(plan: LaunchPlan): string {
  if (plan.hostProc) return ''
  const proc = posix.join(plan.root, 'proc')
  const options = 'nosuid,nodev,noexec'
  const lines = [['proc', proc, 'proc', options]]
  for (const name of readOnlyProc.filter(inKernel))
    lines.push([`${proc}/${name}`, `${proc}/${name}`, 'none', `bind,ro,${options}`])
  if (plan.maskKernel) for (const name of maskedProc.filter(inKernel)) lines.push(mask(name, `${proc}/${name}`))
  return lines.map((fields) => `${fields.map(escaped).join(' ')} 0 0\n`).join('')
}

function mask(name: string, target: string): string[] {
  const isFolder = statSync(`/proc/${name}`).isDirectory()
  return isFolder ? ['tmpfs', target, 'tmpfs', 'ro,size=0'] : ['/dev/null', target, 'none', 'bind']
}

function inKernel(name: string): boolean {
  return existsSync(`/proc/${name}`)
}

function escaped(field: string): string {
  return field.replace(/[\s\\#]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`)
}
