/** The chain of host programs that ends in a run's process: pure. */
import type { ProcessSpec } from './contract.ts'
import { limitOptions } from './limits.ts'

/** Docker's default capabilities, the bounding set of every run. */
const capabilities = [
  'audit_write',
  'chown',
  'dac_override',
  'fowner',
  'fsetid',
  'kill',
  'mknod',
  'net_bind_service',
  'net_raw',
  'setfcap',
  'setgid',
  'setpcap',
  'setuid',
  'sys_chroot',
]

/** Descriptors of the prologue beside the standard ones: where it reports, and what it is to mount. */
export const prologueFds = { status: 3, table: 4 } as const

/** What the prologue says when all is mounted and the process comes next. */
export const readyWord = 'ready'

/**
 * Runs in the new pid namespace: mounts /proc, makes the root file system the root of the mount namespace and goes on with the
 * rest of its arguments. Not chroot alone (a second chroot gets out of it), not pivot_root (unmounting the old root would take
 * a program of the image). mount(8) knows the table's entries by absolute path only, so it comes before the move.
 */
const prologue = `{ if [ -n "$4" ]; then echo 0 >"$4/cgroup.procs"; fi && if [ -n "$3" ]; then "$1" -n -a -T "$3"; fi && cd "$2" && "$1" -n --move . / && echo ${readyWord}; } >&3 2>&1 || exit 125
umask 022; shift 4; exec "$@" 3>&- 4<&-`

/**
 * Gives a chain the terminal, as a shell does with a job: Ctrl-C is then the job's alone. The trap is for the shell itself,
 * which passes on that its job was interrupted. It cannot give the terminal back to a process of another pid namespace, and
 * would say so.
 */
const asJob = 'trap : INT; set -m; "$@"; code=$?; exec 2>/dev/null; exit $code'

/** Variables with which an image would change how the host's own programs are loaded. */
const loaderVariable = /^(LD_|GLIBC_TUNABLES=|MALLOC_)/

/** Where the chain finds things. */
export interface ChainPlaces {
  readonly root: string
  /** Absolute path of a host program. */
  readonly tool: (name: string) => string
  /** The namespace file of the run's own user namespace, if it has one. */
  readonly userNamespace?: string
  /** The namespace file of the run's own network, if it has one. */
  readonly network?: string
  /** An `env` program in the image, if it has one. */
  readonly imageEnv?: string
  /** True if it is to have the terminal to itself. */
  readonly job: boolean
  /** True if its standard streams are a terminal of its own, which is to control it. */
  readonly terminal?: boolean
  /** True if there is a table of mounts in descriptor `prologueFds.table`. */
  readonly table: boolean
}

/** Program and arguments for a process, to be started in its mount namespace. */
export function runArguments(spec: ProcessSpec, places: ChainPlaces): string[] {
  const { tool, root } = places
  const table = places.table ? `/proc/self/fd/${prologueFds.table}` : ''
  return [
    ...(places.job ? [tool('sh'), '-c', asJob, 'sh'] : []),
    ...(places.network === undefined ? [] : [tool('nsenter'), `--net=${places.network}`, '--']),
    ...[tool('unshare'), '--pid', '--fork', '--kill-child', '--'],
    ...[tool('sh'), '-c', prologue, 'sh', tool('mount'), root, table, spec.cgroup ?? ''],
    ...(places.userNamespace === undefined ? [] : [tool('nsenter'), `--user=${places.userNamespace}`, '--']),
    ...privileges(spec, tool),
    ...process(spec, places),
  ]
}

function privileges(spec: ProcessSpec, tool: ChainPlaces['tool']): string[] {
  const groups = spec.supplementaryGids
  const limits = spec.limits ?? []
  return [
    tool('setpriv'),
    `--bounding-set=-all,${capabilities.map((name) => `+${name}`).join(',')}`,
    `--regid=${spec.gid}`,
    groups.length === 0 ? '--clear-groups' : `--groups=${groups.join(',')}`,
    '--',
    ...(limits.length === 0 ? [] : [tool('prlimit'), ...limitOptions(limits), '--']),
  ]
}

function nameOf(entry: string): string {
  return entry.slice(0, entry.indexOf('='))
}

/** Variables that the chain is started with, and those that shells set. */
const chainOwn = ['PATH', 'LC_ALL', 'PWD', 'OLDPWD', 'SHLVL', '_']

/** Options of env(1) that empty the environment, but for secrets. */
function withoutChainOwn(secrets: readonly string[]): string[] {
  return secrets.length === 0 ? ['-i'] : chainOwn.flatMap((name) => ['-u', name])
}

/** The shell before this has changed the environment (PWD, names that are no identifiers), so it is set anew here. */
function process(spec: ProcessSpec, places: ChainPlaces): string[] {
  const { tool, imageEnv } = places
  const secrets = (spec.secretEnv ?? []).map(nameOf)
  const entries = spec.env.filter((entry) => entry.indexOf('=') > 0 && !secrets.includes(nameOf(entry)))
  const late = imageEnv === undefined ? [] : entries.filter((entry) => loaderVariable.test(entry))
  return [
    ...[tool('env'), ...withoutChainOwn(secrets), ...entries.filter((entry) => !late.includes(entry))],
    ...(places.terminal === true ? [tool('setsid'), '--ctty'] : []),
    ...[tool('unshare'), '--root=.', `--wd=${spec.cwd}`],
    ...(spec.uid === 0 ? [] : [`--setuid=${spec.uid}`]),
    '--',
    ...(late.length === 0 || imageEnv === undefined ? [] : [imageEnv, ...late]),
    ...spec.args,
  ]
}
