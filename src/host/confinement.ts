/** What confines this process from outside: a container's runtime, a seccomp filter, a security module, the way helpers may gain privileges. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { errnoOf } from '../core/errors.ts'
import type { Confinement, Facts, HelperPrivilege, Runtime } from './contract.ts'

/** What is read of the process itself. */
interface OwnState {
  readonly env: RuntimeSigns['env']
  /** Text of /proc/self/status. */
  readonly status: string
  /** Text of /proc/self/mountinfo. */
  readonly mountinfo: string
}

/** Reads what confines this process; never throws. */
export function readConfinement({ env, status, mountinfo }: OwnState): Confinement {
  return {
    seccomp: seccompOf(status),
    bounding: /^CapBnd:\s*(\S+)/m.exec(status)?.[1] ?? '0',
    label: securityLabel(),
    runtime: detectRuntime({ env, exists: existsSync, cgroup: read('/proc/self/cgroup'), mountinfo }),
    chrooted: isChrooted(mountinfo),
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // Absent or hidden: nothing is known.
  }
}

/** Field `Seccomp` of proc_pid_status(5). */
export function seccompOf(status: string): Confinement['seccomp'] {
  const mode = /^Seccomp:\s*(\d)/m.exec(status)?.[1]
  return mode === '2' ? 'filter' : mode === '1' ? 'strict' : 'none'
}

/** `docker-default (enforce)` of AppArmor, `system_u:system_r:container_t:s0` of SELinux. */
function securityLabel(): string | undefined {
  const label = read('/proc/self/attr/current').replace(/[\0\n]/g, '')
  return label === '' ? undefined : label
}

/** What tells runtimes apart. */
export interface RuntimeSigns {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly exists: (path: string) => boolean
  /** Text of /proc/self/cgroup. */
  readonly cgroup: string
  readonly mountinfo: string
}

/** Who started the container that this is, the outermost setting that a user can change first; undefined outside of one. Pure. */
export function detectRuntime({ env, exists, cgroup, mountinfo }: RuntimeSigns): Runtime | undefined {
  if (env['KUBERNETES_SERVICE_HOST'] || exists('/var/run/secrets/kubernetes.io') || /kubepods/.test(cgroup))
    return 'kubernetes'
  if (exists('/run/.containerenv') || env['container'] === 'podman') return 'podman'
  if (isDocker({ exists, cgroup, mountinfo })) return env['GITLAB_CI'] ? 'gitlab' : 'docker'
  if (env['container'] === 'lxc' || /\/lxc\b/.test(cgroup)) return 'lxc'
  if (env['container'] || /containerd|libpod|crio/.test(cgroup) || rootType(mountinfo) === 'overlay') return 'other'
  return undefined
}

/** docker gives each container a file /etc/hosts of its own; a machine made from an image has `/.dockerenv` alone. */
function isDocker({ exists, cgroup, mountinfo }: Omit<RuntimeSigns, 'env'>): boolean {
  return / \/etc\/hosts /.test(mountinfo) && (exists('/.dockerenv') || /\/docker\//.test(cgroup))
}

/** The fields of the line that mounts `/`, from the last of them: proc_pid_mountinfo(5). */
function rootMount(mountinfo: string): string[] | undefined {
  const lines = mountinfo.split('\n').map((line) => line.split(' '))
  return lines.findLast((fields) => fields[4] === '/')
}

function rootType(mountinfo: string): string | undefined {
  const fields = rootMount(mountinfo) ?? []
  return fields[fields.indexOf('-') + 1]
}

/** True if this process's root is not where something is mounted: the kernel then refuses it user namespaces. */
export function isChrooted(mountinfo: string): boolean {
  return mountinfo !== '' && rootMount(mountinfo) === undefined
}

/** How each of newuidmap and newgidmap that is there may gain privileges. */
export async function helperPrivileges(tools: Facts['tools']): Promise<Record<string, HelperPrivilege>> {
  const found: Record<string, HelperPrivilege> = {}
  for (const name of ['newuidmap', 'newgidmap']) {
    const path = tools[name]
    if (path !== undefined) found[name] = await privilegeOf(path)
  }
  return found
}

async function privilegeOf(path: string): Promise<HelperPrivilege> {
  const setuid = 0o4000
  try {
    const { mode, uid } = statSync(path)
    if ((mode & setuid) !== 0 && uid === 0) return 'setuid'
    // Loading what reads attributes takes longer than all the rest; the setuid bit is the usual case.
    const { getXattr } = await import('./xattrs.ts')
    return getXattr(Buffer.from(path), 'security.capability') === undefined ? 'none' : 'capability'
  } catch (error) {
    if (errnoOf(error) !== undefined) return 'none'
    throw error
  }
}
