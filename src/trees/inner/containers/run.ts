/** A program in a working container, in the foreground: what it changes is kept. */
import { closeSync, openSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { WherryError, errnoOf } from '../../../core/errors.ts'
import { constants } from 'node:os'
import { remoteStatus } from '../../../host/remote.ts'
import type { ProcessSpec, Stdio } from '../../../sandbox/contract.ts'
import type { ContainerRun, ContainerTree, NamespaceShell, StopTree } from '../../container-contract.ts'
import { prepareMounts } from '../mounts.ts'
import { specOf } from '../spec.ts'
import type { Inner } from '../state.ts'
import { type OpenContainer, knownOwners, openContainer, requireNamespaces, saveOwners } from './open.ts'
import { showTerminal } from './terminal.ts'

/** How often the owners that a program asks for are kept, in milliseconds. */
const saveMs = 2000

/** Serves `ContainerTrees.run`. */
export async function runContainer(inner: Inner, request: ContainerRun, signal: AbortSignal): Promise<number> {
  const { container, close } = await openContainer(inner, request.tree)
  try {
    return await runIn(inner, container, { request, signal })
  } finally {
    await close()
  }
}

async function runIn(
  inner: Inner,
  container: OpenContainer,
  { request, signal }: { readonly request: ContainerRun; readonly signal: AbortSignal },
): Promise<number> {
  const { run } = request
  const { root, draft } = container
  const nothing = openSync('/dev/null', 'r')
  const prepared = await prepareMounts(inner, run.mounts ?? [], { dir: draft.dir, signal, root })
  const saving = setInterval(() => void save(container), saveMs)
  try {
    const spec: ProcessSpec = {
      ...specOf(root, run),
      lowerOwners: knownOwners(container),
      mounts: prepared.mounts,
      stdio: stdioOf(inner, request, nothing),
      onStart: (process) => (container.process = process),
    }
    const { exitCode, owners } = await inner.sandbox.run(root, spec, signal)
    delete container.process
    saveOwners(container, owners)
    return exitCode
  } finally {
    delete container.process
    clearInterval(saving)
    closeSync(nothing)
    await prepared.release()
  }
}

async function save(container: OpenContainer): Promise<void> {
  const asked = await container.process?.owners()
  if (container.process !== undefined) saveOwners(container, asked)
}

function stdioOf({ mode }: Inner, { terminal, interactive }: ContainerRun, nothing: number): Stdio {
  // In chroot mode there is no other terminal than that of the caller, which it gets to itself.
  if (terminal && mode.kind === 'chroot') return { kind: 'inherit', fds: [0, 1, 2], job: true }
  if (terminal) return { kind: 'terminal', connect: (master) => showTerminal(master, interactive) }
  return { kind: 'inherit', fds: [interactive ? 0 : nothing, 1, 2] }
}

const stopPollMs = 20

/** Serves `ContainerTrees.stop`: the signal to the program, and the end of everything if that does not help. */
export async function stopContainer(
  inner: Inner,
  { tree, request }: { readonly tree: ContainerTree; readonly request: StopTree },
): Promise<void> {
  requireNamespaces(inner)
  const number = signalNumber(request.signal)
  const process = inner.containers.get(tree.id)?.process
  const first = process?.first()
  if (process === undefined || first === undefined) return
  const heeds = number !== constants.signals.SIGKILL && catches(first, number)
  if (heeds) send(first, number)
  const end = Date.now() + (heeds ? request.graceMs : 0)
  while (process.first() !== undefined && Date.now() < end) await delay(stopPollMs)
  if (process.first() === undefined) return
  // With unshare(1) first, whose own end is then told: of a child that was killed it tells nonsense.
  for (const pid of [process.pid, first]) send(pid, constants.signals.SIGKILL)
}

/** Signals that it does nothing about never reach the first process of a pid namespace: pid_namespaces(7). */
function catches(pid: number, number: number): boolean {
  const caught = BigInt(`0x${remoteStatus(pid, 'SigCgt') ?? '0'}`)
  return (caught & (1n << BigInt(number - 1))) !== 0n
}

/** The number of a signal. @throws WherryError `usage` */
export function signalNumber(text: string): number {
  if (/^\d{1,2}$/.test(text) && Number(text) >= 1 && Number(text) <= 64) return Number(text)
  const upper = text.toUpperCase()
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`
  const real = /^SIGRTMIN(?:\+(\d+))?$/.exec(name)
  if (real !== null) return 34 + Number(real[1] ?? 0)
  const number = (constants.signals as Readonly<Record<string, number>>)[name]
  if (number === undefined) throw new WherryError('usage', `"${text}" is no signal`)
  return number
}

function send(pid: number, number: number): void {
  try {
    process.kill(pid, number)
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error
  }
}

/** Serves `ContainerTrees.shell`. */
export async function runShell({ args, env, cwd }: NamespaceShell, signal: AbortSignal): Promise<number> {
  const { spawn } = await import('node:child_process')
  const [program = 'sh', ...rest] = args
  const child = spawn(program, rest, { cwd, env, stdio: 'inherit', signal, killSignal: 'SIGKILL' })
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      const missing = errnoOf(error) === 'ENOENT'
      if (missing || errnoOf(error) === 'EACCES') resolve(missing ? 127 : 126)
      else reject(error)
    })
    child.once('exit', (code, by) => resolve(code ?? 128 + (by === null ? 0 : constants.signals[by])))
  })
}
