/** Mounting and unmounting: mount(2), umount2(2) and the calls of the newer mount API (fsopen(2), mount_setattr(2)). */
import { closeSync, readSync } from 'node:fs'
import { cString, checked, libcFunction, syscall, type SystemError } from './libc.ts'

/** Flags of mount(2). */
export const mountFlags = {
  readOnly: 1,
  noSuid: 2,
  noDev: 4,
  noExec: 8,
  remount: 32,
  bind: 4096,
  move: 8192,
  recursive: 16384,
  private: 1 << 18,
} as const

const mount2 = libcFunction('int mount(void*, void*, void*, unsigned long, void*)')
const umount2 = libcFunction('int umount2(void*, int)')

/** What mount(2) is told. Paths as text or bytes. */
export interface MountRequest {
  readonly source: string | Buffer
  readonly target: string | Buffer
  readonly type?: string
  /** Sum of `mountFlags`. */
  readonly flags?: number
  readonly data?: string
}

/**
 * mount(2).
 * @throws SystemError
 */
export function mount(request: MountRequest): void {
  const { source, target, type, flags = 0, data } = request
  const result = mount2(
    cString(source),
    cString(target),
    type === undefined ? null : cString(type),
    flags,
    data === undefined ? null : cString(data),
  )
  checked(result, 'mount', target)
}

/** Shows the tree `source` at `target` too, with all that is mounted below it. @throws SystemError */
export function bindMount(source: string | Buffer, target: string | Buffer): void {
  mount({ source, target, flags: mountFlags.bind | mountFlags.recursive })
}

const detach = 2

/**
 * Unmounts at once and lazily (MNT_DETACH), so that a descriptor still open does not keep the place busy.
 * @throws SystemError `EINVAL` if nothing is mounted there
 */
export function unmount(target: string | Buffer): void {
  checked(umount2(cString(target), detach), 'umount2', target)
}

const atFdCwd = -100
const command = { setFlag: 0, setString: 1, create: 6 } as const

/** A parameter of a new file system: a flag, or a key with its value. Keys may repeat (`lowerdir+` of overlay). */
export type MountParameter = readonly [key: string, value?: string]

/**
 * Mounts a new file system of a type with parameters given one by one, which has no limit of a page as mount(2) has.
 * Needs Linux 5.2; overlay's `lowerdir+` needs 6.5.
 * @throws SystemError whose message ends with what the kernel logged about it
 */
export function mountNew(type: string, parameters: readonly MountParameter[], target: string | Buffer): void {
  const context = checked(syscall('fsopen', cString(type), 1), 'fsopen', type)
  try {
    for (const [key, value] of parameters) {
      const kind = value === undefined ? command.setFlag : command.setString
      const text = value === undefined ? null : cString(value)
      explained(context, syscall('fsconfig', context, kind, cString(key), text), `fsconfig ${key}`)
    }
    explained(context, syscall('fsconfig', context, command.create), 'fsconfig create')
    const tree = explained(context, syscall('fsmount', context, 1, 0), 'fsmount')
    try {
      const emptyFromPath = 4
      const moved = syscall('move_mount', tree, cString(''), atFdCwd, cString(target), emptyFromPath)
      checked(moved, 'move_mount', target)
    } finally {
      closeSync(tree)
    }
  } finally {
    closeSync(context)
  }
}

function explained(context: number, result: number, what: string): number {
  try {
    return checked(result, what)
  } catch (error) {
    const failure = error as SystemError
    failure.message += kernelLog(context)
    throw failure
  }
}

/** The kernel's messages wait in the context's descriptor: `e `, `w ` or `i ` and text. */
function kernelLog(context: number): string {
  const buffer = Buffer.alloc(4096)
  try {
    return ` (${buffer.toString('utf8', 0, readSync(context, buffer)).trim()})`
  } catch {
    return '' // No message: the errno says it all.
  }
}

const attribute = { readOnly: 1n, noSuid: 2n, noDev: 4n, noExec: 8n } as const

/**
 * Adds an attribute to a mount and to all mounts below it, without touching the others: mount_setattr(2), Linux 5.12.
 * @throws SystemError
 */
export function restrictMount(target: string | Buffer, kind: keyof typeof attribute): void {
  const recursive = 0x8000
  const request = Buffer.alloc(32)
  request.writeBigUInt64LE(attribute[kind], 0) // attr_set
  checked(syscall('mount_setattr', atFdCwd, cString(target), recursive, request, 32), 'mount_setattr', target)
}
