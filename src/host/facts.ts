/** What this machine has and allows, read from its files and settings, and if wanted by trying. */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { release, userInfo } from 'node:os'
import { helperPrivileges, readConfinement } from './confinement.ts'
import type { Facts, IdRange, SubIds } from './contract.ts'
import { parseSubIds, rangesOf, type SubIdLine } from './subids.ts'
import { findTool } from './tools.ts'

const toolNames = ['unshare', 'nsenter', 'setpriv', 'mount', 'sh', 'env', 'newuidmap', 'newgidmap', 'getsubids']

/** Settings that forbid user namespaces or limit them, by the distribution that has them. */
const sysctlNames = [
  'user/max_user_namespaces', // RHEL 7, CIS profiles
  'kernel/unprivileged_userns_clone', // Debian 10, hardened kernels
  'kernel/apparmor_restrict_unprivileged_userns', // Ubuntu 23.10 on
]

/**
 * Gathers the facts. Never rejects: what cannot be read is absent.
 * @param options `tryNamespace` makes a user namespace to see whether that works, which is left to what confines this process
 *   by default; without, only settings are read, which takes about a millisecond, and a refusal of another kind shows when the
 *   inner process is started
 */
export async function probeFacts(options: { readonly tryNamespace?: boolean } = {}): Promise<Facts> {
  const uid = process.getuid?.() ?? 0
  const user = userName(uid)
  const status = read('/proc/self/status')
  const uidLines = parseSubIds(read('/etc/subuid'))
  const gidLines = parseSubIds(read('/etc/subgid'))
  const tools = toolPaths()
  const settings = sysctls()
  const mountinfo = read('/proc/self/mountinfo')
  const confinement = readConfinement({ status, mountinfo, env: process.env })
  const isConfined = confinement.seccomp === 'filter' || confinement.runtime !== undefined || confinement.chrooted
  const wanted = options.tryNamespace ?? isConfined
  const settled = refusalBySettings({ uid, tools, settings, label: confinement.label })
  const [subuids, subgids] = await subIdsOf({ uid, user, uidLines, gidLines, getsubids: tools['getsubids'] })
  return {
    uid,
    gid: process.getgid?.() ?? 0,
    user,
    arch: process.arch,
    kernel: release(),
    capabilities: field(status, 'CapEff') ?? '0',
    noNewPrivs: field(status, 'NoNewPrivs') === '1',
    uidMap: parseIdMap(read('/proc/self/uid_map')),
    gidMap: parseIdMap(read('/proc/self/gid_map')),
    container: containerHint(confinement.runtime),
    procMasked: hasMountsBelowProc(mountinfo),
    usernsRefusal: settled ?? (wanted ? await tryUserNamespace(tools['unshare']) : undefined),
    sysctls: settings,
    tools,
    busyboxUnshare: isBusybox(tools['unshare']),
    subuids,
    subgids,
    takenIds: [...uidLines, ...gidLines].map(({ first, count }) => ({ first, count })),
    seccompActions: read('/proc/sys/kernel/seccomp/actions_avail').split(/\s+/).filter(Boolean),
    confinement,
    helperPrivileges: await helperPrivileges(tools),
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // Not there on this kernel, or hidden: the fact is absent.
  }
}

function userName(uid: number): string {
  try {
    return userInfo().username
  } catch {
    return String(uid) // An id without a passwd entry, common in containers.
  }
}

function field(status: string, name: string): string | undefined {
  return new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1]
}

/** Reads the text of /proc/PID/uid_map or gid_map. */
export function parseIdMap(text: string): IdRange[] {
  return [...text.matchAll(/^\s*(\d+)\s+(\d+)\s+(\d+)\s*$/gm)].map(([, inside, outside, count]) => ({
    inside: Number(inside),
    outside: Number(outside),
    count: Number(count),
  }))
}

function toolPaths(): Record<string, string> {
  const pairs = toolNames.map((name) => [name, findTool(name)] as const)
  return Object.fromEntries(pairs.filter((pair): pair is [string, string] => pair[1] !== undefined))
}

function sysctls(): Record<string, string> {
  const pairs = sysctlNames.map((name) => [name.replace('/', '.'), read(`/proc/sys/${name}`).trim()] as const)
  return Object.fromEntries(pairs.filter(([, value]) => value !== ''))
}

function isBusybox(unshare: string | undefined): boolean {
  return unshare !== undefined && /busybox|toybox/.test(realpathSync(unshare))
}

function containerHint(runtime: Facts['confinement']['runtime']): string | undefined {
  if (runtime === undefined) return undefined
  const files = ['/.dockerenv', '/run/.containerenv'].find((path) => existsSync(path))
  return files ?? ['KUBERNETES_SERVICE_HOST', 'container'].find((name) => process.env[name] !== undefined) ?? runtime
}

/** True if anything but binfmt_misc is mounted below /proc: proc_pid_mountinfo(5), field 5. */
export function hasMountsBelowProc(mountinfo: string): boolean {
  return mountinfo.split('\n').some((line) => {
    const target = line.split(' ')[4] ?? ''
    return target.startsWith('/proc/') && target !== '/proc/sys/fs/binfmt_misc'
  })
}

/** True if a process of a new pid namespace of this user namespace may mount /proc: the kernel refuses if ours is covered in parts. */
export async function procIsMountable(): Promise<boolean> {
  if (!hasMountsBelowProc(read('/proc/self/mountinfo'))) return true
  const unshare = findTool('unshare')
  if (unshare === undefined) return false
  const { ok } = await output(unshare, ['--mount', '--pid', '--fork', '--mount-proc', findTool('true') ?? 'true'])
  return ok
}

interface SubIdQuestion {
  readonly uid: number
  readonly user: string
  readonly uidLines: readonly SubIdLine[]
  readonly gidLines: readonly SubIdLine[]
  readonly getsubids: string | undefined
}

/** From the files; where nsswitch.conf(5) names another source (LDAP), from there by way of getsubids. */
async function subIdsOf(question: SubIdQuestion): Promise<[SubIds[], SubIds[]]> {
  const { uid, user, uidLines, gidLines, getsubids } = question
  const owners = uid === 0 ? ['root', '0', 'containers'] : [user, String(uid)]
  const found: [SubIds[], SubIds[]] = [rangesOf(uidLines, owners), rangesOf(gidLines, owners)]
  if (uid === 0 || getsubids === undefined || !/^subid:/m.test(read('/etc/nsswitch.conf'))) return found
  const [uids, gids] = await Promise.all([output(getsubids, [user]), output(getsubids, ['-g', user])])
  return [parseGetsubids(uids.text), parseGetsubids(gids.text)]
}

/** Lines of getsubids(1): `0: ada 100000 65536`. */
function parseGetsubids(text: string): SubIds[] {
  return [...text.matchAll(/^\d+: \S+ (\d+) (\d+)$/gm)].map(([, first, count]) => ({
    first: Number(first),
    count: Number(count),
  }))
}

interface Settings {
  readonly uid: number
  readonly tools: Facts['tools']
  readonly settings: Facts['sysctls']
  readonly label: string | undefined
}

/** What the settings alone say for certain. */
function refusalBySettings({ uid, tools, settings, label }: Settings): string | undefined {
  if (tools['unshare'] === undefined) return 'the program unshare is not installed'
  if (settings['user.max_user_namespaces'] === '0') return 'user.max_user_namespaces is 0'
  if (uid === 0) return undefined
  if (settings['kernel.unprivileged_userns_clone'] === '0') return 'kernel.unprivileged_userns_clone is 0'
  // A program with an AppArmor profile of its own (its label is then that profile's) may be allowed.
  const restricted = settings['kernel.apparmor_restrict_unprivileged_userns'] === '1' && label === 'unconfined'
  return restricted ? 'kernel.apparmor_restrict_unprivileged_userns is 1' : undefined
}

/**
 * A namespace, and a mount in it, which AppArmor may forbid where the namespace is allowed. Not --map-auto: that leaves a helper
 * behind when the kernel refuses, and waiting for it never ends.
 */
async function tryUserNamespace(unshare: string | undefined): Promise<string | undefined> {
  if (unshare === undefined) return 'the program unshare is not installed'
  const mount = [findTool('mount') ?? 'mount', '-n', '-t', 'tmpfs', 'tmpfs', '/tmp']
  const { ok, text } = await output(unshare, ['--user', '--map-root-user', '--mount', ...mount])
  return ok ? undefined : text.trim() || 'unshare failed without a message'
}

const patienceMs = 5000

async function output(program: string, args: readonly string[]): Promise<{ ok: boolean; text: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: patienceMs,
      killSignal: 'SIGKILL',
      env: { ...process.env, LC_ALL: 'C' },
    })
    let text = ''
    const add = (chunk: Buffer): void => void (text += chunk.toString())
    child.stdout.on('data', add)
    child.stderr.on('data', add)
    child.on('error', (error) => resolve({ ok: false, text: error.message }))
    child.on('close', (code, signal) =>
      resolve({ ok: code === 0, text: signal === null ? text : `killed by ${signal}` }),
    )
  })
}
