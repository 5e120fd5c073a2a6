/** The mounts that a run asks for, one after the other: each target is looked up in what the earlier ones show. */
import { statSync } from 'node:fs'
import { errnoOf } from '../core/errors.ts'
import { bindMount, mount, mountFlags, restrictMount } from '../host/mounts.ts'
import type { SandboxMount } from './contract.ts'
import type { LaunchPlan } from './plan.ts'
import type { Stubs } from './stubs.ts'
import { type Targets, openTargets } from './targets.ts'

/**
 * Mounts them in this thread's mount namespace.
 * @param made is told, also before a failure, which mount points were made in the root file system
 * @throws WherryError `sandbox-failed` for a target that cannot be one; SystemError
 */
export function mountExtras(plan: LaunchPlan, made: (stubs: Stubs) => void): void {
  if (plan.mounts.length === 0) return
  const targets = openTargets(plan.root)
  try {
    for (const wanted of plan.mounts) {
      if (wanted.kind === 'tmpfs') mountMemory(wanted, targets)
      else mountBind(wanted, targets)
    }
    // The working directory may now be one that a mount has covered.
    targets.deepFolder(plan.cwd)
  } finally {
    made(targets.stubs())
    targets.close()
  }
}

/** As runc does it: the mode is that of the folder that was there, else the kernel's 1777. */
function mountMemory({ target, size }: Extract<SandboxMount, { kind: 'tmpfs' }>, targets: Targets): void {
  const { path, existed } = targets.place(target, 'folder')
  const options = [
    ...(existed ? [`mode=${(statSync(path).mode & 0o7777).toString(8)}`] : []),
    ...(size === undefined ? [] : [`size=${size}`]),
  ]
  mount({ source: 'tmpfs', target: path, type: 'tmpfs', flags: mountFlags.noSuid, data: options.join(',') })
}

function mountBind(wanted: Extract<SandboxMount, { kind: 'bind' }>, targets: Targets): void {
  const { source, target, readOnly, data } = wanted
  const { path } = targets.place(target, statSync(source).isDirectory() ? 'folder' : 'file')
  bindMount(source, path)
  const kinds: Restriction[] = readOnly ? ['readOnly'] : []
  if (data !== undefined) kinds.push('noSuid', 'noDev', ...(data.executable ? [] : (['noExec'] as const)))
  restrict(path, kinds)
}

type Restriction = Parameters<typeof restrictMount>[1]

function restrict(path: string, kinds: readonly Restriction[]): void {
  try {
    for (const kind of kinds) restrictMount(path, kind)
  } catch (error) {
    if (errnoOf(error) !== 'ENOSYS') throw error
    // Before Linux 5.12: all flags at once, which must not lack one that the source has from its file system.
    const flags = kinds.reduce((sum, kind) => sum | mountFlags[kind], mountFlags.bind | mountFlags.remount)
    mount({ source: 'none', target: path, flags })
  }
}
