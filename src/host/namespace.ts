/**
 * Starting the inner process: a Node that is uid 0 of a new user and mount namespace.
 *
 * The namespace is made by unshare(1) and its id maps are written from outside, because `unshare --map-auto` needs util-linux
 * 2.38 and fails as root. As an ordinary user, uid 0 inside is the caller: a shell waits for the maps, then execs Node, which
 * gives it the capabilities of uid 0 (an exec before the maps are there would drop them).
 *
 * As root, uid 0 inside is the first id of a range that is not root's, since a RUN with the host's uid 0 can write /proc/sys
 * and /sys. Node may lie in /root and contexts may be private, which that id could not read; so the map has every other id
 * of the host too, behind the range, and the capabilities of uid 0 inside then reach those files. Nothing has to be handed
 * over or chowned. A RUN gets a further namespace with the range alone (`Mode.runIds`). Here the shell only makes the
 * namespace, which nsenter(1) then enters as uid 0, for the caller's own id is not the one that becomes 0.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import type { Duplex, Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { WherryError, asWherryError } from '../core/errors.ts'
import { helperAdvice, userNamespaceAdvice } from './advice.ts'
import type { IdRange, InnerCommand, InnerProcess, Mode } from './contract.ts'
import { probeFacts } from './facts.ts'
import { requireTool, widePath } from './tools.ts'

/** Environment variable that tells the inner process the outer one's pid, for `prepareInner`. */
export const outerPidVariable = 'WHERRY_OUTER_PID'

/**
 * Starts Node with `command` as uid 0 of a new user and mount namespace, mapped as `mode` says; in `chroot` mode as it is.
 * @throws WherryError `host-unsupported` if the kernel or newuidmap refuses
 */
export async function enterNamespace(mode: Mode, command: InnerCommand): Promise<InnerProcess> {
  if (mode.writer === 'none') return startPlainly(command)
  try {
    return mode.writer === 'root' ? await enterFromRoot(mode, command) : await enterAsSelf(mode, command)
  } catch (error) {
    throw await explained(error)
  }
}

function startPlainly(command: InnerCommand): InnerProcess {
  return innerProcess(
    spawn(process.execPath, command.argv, {
      stdio: [...standardStreams(command), 'pipe'],
      env: innerEnvironment(command),
    }),
  )
}

const waitForMaps = 'echo >&4; read x <&5 || exit 1; exec 4>&- 5<&-; exec "$@"'

async function enterAsSelf(mode: Mode, command: InnerCommand): Promise<InnerProcess> {
  const shell = [requireTool('sh'), '-c', waitForMaps, 'sh', process.execPath, ...command.argv]
  // Under no_new_privs the second exec would not get the capabilities of uid 0; unshare(1) maps the own id before the first.
  const own = mode.writer === 'self' ? ['--map-root-user'] : []
  const child = spawn(requireTool('unshare'), ['--user', ...own, '--mount', '--', ...shell], {
    stdio: [...standardStreams(command), 'pipe', 'pipe', 'pipe'],
    env: innerEnvironment(command),
  })
  const inner = innerProcess(child)
  await writeMapsWhenReady(mode, child, inner)
  return inner
}

async function enterFromRoot(mode: Mode, command: InnerCommand): Promise<InnerProcess> {
  const namespaces = await makeNamespaces(['user', 'mnt'], mode)
  const [user = 0, mnt = 0] = namespaces
  const path = (fd: number): string => `/proc/${process.pid}/fd/${fd}`
  const enter = [`--user=${path(user)}`, `--mount=${path(mnt)}`, '--setuid=0', '--setgid=0', '--']
  const child = spawn(requireTool('nsenter'), [...enter, process.execPath, ...command.argv], {
    stdio: [...standardStreams(command), 'pipe'],
    env: innerEnvironment(command),
  })
  const inner = innerProcess(child)
  void inner.exited.then(() => {
    for (const fd of namespaces) closeSync(fd)
  })
  return inner
}

/**
 * A user namespace below that of this process, which must have CAP_SETUID and CAP_SETGID: the first `count` ids, as they are.
 * @returns a descriptor, close-on-exec, that keeps it
 * @throws WherryError `host-unsupported`
 */
export async function openUserNamespace(count: number): Promise<number> {
  const same = [{ inside: 0, outside: 0, count }]
  const [fd = 0] = await makeNamespaces(['user'], { writer: 'root', uids: same, gids: same })
  return fd
}

/** Makes namespaces with the maps given, and descriptors that keep them: they need no process. */
async function makeNamespaces(kinds: readonly ('user' | 'mnt')[], maps: Maps): Promise<number[]> {
  const keep = ['--', requireTool('sh'), '-c', waitForMaps, 'sh', 'cat']
  const mount = kinds.includes('mnt') ? ['--mount'] : []
  const keeper = spawn(requireTool('unshare'), ['--user', ...mount, ...keep], {
    stdio: ['pipe', 'ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    env: { PATH: widePath() },
  })
  const kept = innerProcess(keeper)
  try {
    await writeMapsWhenReady(maps, keeper, kept)
    return kinds.map((kind) => openSync(`/proc/${kept.pid}/ns/${kind}`, 'r'))
  } finally {
    kept.kill()
  }
}

function standardStreams(command: InnerCommand): ('ignore' | 'inherit' | 'pipe')[] {
  return command.stdio === 'inherit' ? ['inherit', 'inherit', 'inherit'] : ['ignore', 'ignore', 'pipe']
}

/** NODE_EXTRA_CA_CERTS costs Node 20 fifty milliseconds at its start, and the inner process speaks no TLS. */
function innerEnvironment(command: InnerCommand): Record<string, string | undefined> {
  const path = widePath(command.env['PATH'])
  return { ...command.env, NODE_EXTRA_CA_CERTS: undefined, PATH: path, [outerPidVariable]: String(process.pid) }
}

const keptErrors = 4096

function innerProcess(child: ChildProcess): InnerProcess {
  let errors = ''
  child.stderr?.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-keptErrors)))
  const exited = new Promise<Awaited<InnerProcess['exited']>>((resolve) => {
    child.on('error', (error) => {
      errors += error.message
      resolve({ code: 127, signal: null })
    })
    child.on('close', (code, signal) => resolve({ code, signal }))
  })
  const control = child.stdio[3] as Duplex
  control.on('error', () => undefined) // Its end is seen in `exited`.
  return {
    pid: child.pid ?? 0,
    control,
    kill: () => void child.kill('SIGKILL'),
    lastErrors: () => errors.trim(),
    exited,
  }
}

/** The part of a mode that says what the maps are. */
type Maps = Pick<Mode, 'writer' | 'uids' | 'gids'>

async function writeMapsWhenReady(mode: Maps, child: ChildProcess, inner: InnerProcess): Promise<void> {
  const [ready, go] = (child.stdio as readonly unknown[]).slice(4) as [Readable, Writable]
  go.on('error', () => undefined) // Its end is seen in `exited`.
  try {
    const unshared = await Promise.race([once(ready, 'data').then(() => true), inner.exited.then(() => false)])
    if (!unshared) throw refusal(`unshare failed: ${inner.lastErrors()}`)
    if (mode.writer === 'newuidmap') await mapByHelpers(inner.pid, mode)
    else if (mode.writer !== 'self') mapDirectly(inner.pid, mode)
  } catch (error) {
    inner.kill()
    throw asWherryError(error)
  }
  go.end('\n')
  ready.destroy()
}

function refusal(message: string, cause?: unknown): WherryError {
  return new WherryError('host-unsupported', `cannot enter a user namespace: ${message}`, { cause })
}

/** The refusal with the cause that the facts show, now that they are worth gathering, and its fix. */
async function explained(error: unknown): Promise<WherryError> {
  const refused = asWherryError(error)
  if (refused.code !== 'host-unsupported') return refused
  const facts = await probeFacts({ tryNamespace: true })
  const advice = userNamespaceAdvice(facts) ?? (facts.uid === 0 ? undefined : helperAdvice(facts))
  const hint = advice?.fix ?? '`wherry doctor` shows what this machine allows and how to change it'
  const message = advice === undefined ? refused.message : `${refused.message}: ${advice.reason}`
  return new WherryError('host-unsupported', message, { hint, cause: refused, details: { cause: advice?.cause } })
}

async function mapByHelpers(pid: number, mode: Maps): Promise<void> {
  await Promise.all([runMapper('newuidmap', pid, mode.uids), runMapper('newgidmap', pid, mode.gids)])
}

async function runMapper(name: string, pid: number, ranges: readonly IdRange[]): Promise<void> {
  const numbers = ranges.flatMap(({ inside, outside, count }) => [inside, outside, count])
  const child = spawn(requireTool(name), [pid, ...numbers].map(String), { stdio: ['ignore', 'ignore', 'pipe'] })
  const [message, code] = await Promise.all([
    text(child.stderr),
    new Promise<number | null>((resolve) => {
      child.on('error', () => resolve(null))
      child.on('close', resolve)
    }),
  ])
  if (code !== 0) throw refusal(`${name} failed: ${message.trim()}`)
}

/** user_namespaces(7): with CAP_SETUID and CAP_SETGID a process may map any ids. */
function mapDirectly(pid: number, mode: Maps): void {
  const lines = (ranges: readonly IdRange[]): string =>
    ranges.map(({ inside, outside, count }) => `${inside} ${outside} ${count}\n`).join('')
  try {
    writeFileSync(`/proc/${pid}/uid_map`, lines(mode.uids))
    writeFileSync(`/proc/${pid}/gid_map`, lines(mode.gids))
  } catch (cause) {
    throw refusal(`the kernel refuses the id map (${cause instanceof Error ? cause.message : String(cause)})`, cause)
  }
}
