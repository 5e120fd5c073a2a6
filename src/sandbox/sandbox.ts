/**
 * The sandbox: one process in one root file system, in namespaces of its own.
 *
 * Mounts are made with system calls by the thread that starts the process, in a mount namespace that ends with the process:
 * nothing needs to be unmounted, whatever kills wherry. Only /proc waits for the new pid namespace, in the prologue of
 * arguments.ts.
 */
import { closeSync, constants, openSync, statSync } from 'node:fs'
import { WherryError, asWherryError, errnoOf } from '../core/errors.ts'
import type { Mode } from '../host/contract.ts'
import { openInRoot } from '../host/files.ts'
import { procIsMountable } from '../host/facts.ts'
import { openUserNamespace } from '../host/namespace.ts'
import { keepTerminal } from '../host/terminal.ts'
import { requireTool } from '../host/tools.ts'
import { runArguments } from './arguments.ts'
import { createChrootSandbox } from './chroot/sandbox.ts'
import type { ProcessResult, ProcessSpec, Sandbox } from './contract.ts'
import { hostsFile, resolverFile } from './host-files.ts'
import { requireIds } from './ids.ts'
import { requireLimits } from './limits.ts'
import { hostsPath, kernelFolders, mountPoints, resolverPath } from './mount-points.ts'
import { ignoreSetuid } from './mount-tree.ts'
import type { LaunchPlan } from './plan.ts'
import { type Starter, createStarter } from './starter.ts'
import { type StartedChild, type Streams, finish, firstProcess, openStreams } from './step.ts'
import { type Stubs, removeStubs } from './stubs.ts'
import { type Targets, openTargets } from './targets.ts'
import { makeEmptyNetwork } from './threads.ts'

/** Where apt reads that it must not try to become another user, where nobody would remember that, below /dev. */
const aptConfig = { path: 'apt.conf', content: 'APT::Sandbox::User "root";\n', mode: 0o644 }

/** Docker's, in bytes. */
const defaultShmSize = 64 << 20

/** What is found out once, at the first run. */
interface Surroundings {
  readonly hostProc: boolean
  /** Descriptor of the user namespace for runs, if they have one of their own. */
  readonly userNamespace?: number
  readonly starter: Starter
}

/** A sandbox for the inner process of this mode. Its threads start at once; that they failed is told by the first run. */
export function createSandbox({ mode }: { readonly mode: Mode }): Sandbox {
  return mode.kind === 'chroot' ? createChrootSandbox(mode) : createMountingSandbox(mode)
}

function createMountingSandbox(mode: Mode): Sandbox {
  const known = lookAround(mode)
  known.catch(() => undefined) // Told by the first run.
  return {
    mountPoints,
    run: async (root, spec, signal) => {
      if (signal.aborted) throw new WherryError('cancelled', 'cancelled', { cause: signal.reason })
      requireIds(mode, { uid: spec.uid, gids: [spec.gid, ...spec.supplementaryGids] })
      requireLimits(spec.limits ?? [])
      return await runIn(root, spec, { mode, surroundings: await known, signal })
    },
    close: async () => {
      const surroundings = await known.catch(() => undefined)
      await surroundings?.starter.close()
    },
  }
}

async function lookAround(mode: Mode): Promise<Surroundings> {
  if (mode.writer === 'root') ignoreSetuid(requireTool('mount'))
  const [proc, userNamespace, starter] = await Promise.all([
    procIsMountable(),
    mode.runIds === undefined ? undefined : openUserNamespace(mode.runIds),
    createStarter(mode.kind === 'single' ? 'root' : 'devices'),
  ])
  return { hostProc: !proc, userNamespace, starter }
}

interface RunContext {
  readonly mode: Mode
  readonly surroundings: Surroundings
  readonly signal: AbortSignal
}

async function runIn(root: string, spec: ProcessSpec, context: RunContext): Promise<ProcessResult> {
  const { starter } = context.surroundings
  const targets = openTargets(root)
  const made: Stubs[] = []
  const giveBack = spec.stdio.kind === 'inherit' && spec.stdio.job ? keepTerminal(spec.stdio.fds[0]) : undefined
  const network = spec.network === 'none' ? await makeEmptyNetwork() : undefined
  try {
    const streams = openStreams(spec.stdio)
    const owners = await starter.watch?.({ root, lower: spec.lowerOwners ?? [] })
    let child: StartedChild
    try {
      child = await start(
        planOf(root, spec, { context, targets, streams, network, job: giveBack !== undefined }),
        starter,
        made,
      )
    } finally {
      streams.handedOver()
    }
    const { pid, terminal } = child
    const shown =
      spec.stdio.kind === 'terminal' && terminal !== undefined ? spec.stdio.connect(terminal) : Promise.resolve()
    spec.onStart?.({
      pid,
      first: () => firstProcess(pid),
      owners: () => owners?.look() ?? Promise.resolve(undefined),
    })
    const result = await finish(child, streams, context.signal)
    await shown
    return owners === undefined ? result : { ...result, owners: await owners.take() }
  } finally {
    if (network !== undefined) closeSync(network)
    giveBack?.()
    targets.close()
    for (const stubs of [...made, targets.stubs()]) removeStubs(root, stubs)
  }
}

async function start(plan: LaunchPlan, starter: Starter, made: Stubs[]): Promise<StartedChild> {
  try {
    return await starter.start(plan, (stubs) => void made.push(stubs))
  } catch (error) {
    const known = asWherryError(error)
    if (known.code !== 'internal') throw known
    throw new WherryError('sandbox-failed', `the sandbox of the step could not be set up: ${known.message}`, {
      cause: error,
    })
  }
}

interface PlanParts {
  readonly context: RunContext
  readonly targets: Targets
  readonly streams: Streams
  /** Descriptor of its network namespace, if it has one of its own. */
  readonly network: number | undefined
  /** It is to have the terminal to itself. */
  readonly job: boolean
}

/** Path of a namespace that this process holds open. */
function namespaceFile(fd: number | undefined): string | undefined {
  return fd === undefined ? undefined : `/proc/${process.pid}/fd/${fd}`
}

function planOf(root: string, spec: ProcessSpec, { context, targets, streams, network, job }: PlanParts): LaunchPlan {
  const { mode, surroundings } = context
  const { userNamespace, hostProc, starter } = surroundings
  for (const folder of kernelFolders) targets.folder(folder)
  const files = [
    { target: targets.file(resolverPath), content: resolverFile() },
    { target: targets.file(hostsPath), content: hostsFile(spec.hostname, spec.extraHosts) },
  ]
  const deaf = mode.kind === 'single' && starter.watch === undefined
  const aptKnows = !deaf || spec.env.some((entry) => entry.startsWith('APT_CONFIG='))
  const env = aptKnows ? spec.env : [...spec.env, `APT_CONFIG=/dev/${aptConfig.path}`]
  const script = spec.script && { path: `pipes/${spec.script.name}`, content: spec.script.content, mode: 0o755 }
  const argv = runArguments(
    { ...spec, env },
    {
      root,
      tool: requireTool,
      userNamespace: namespaceFile(userNamespace),
      network: namespaceFile(network),
      imageEnv: imageEnv(root),
      table: !hostProc,
      job,
      terminal: spec.stdio.kind === 'terminal',
    },
  )
  return {
    root,
    files,
    hostname: spec.hostname,
    hostProc,
    maskKernel: mode.writer === 'identity',
    devFiles: [...(aptKnows ? [] : [aptConfig]), ...(script === undefined ? [] : [script])],
    cwd: spec.cwd,
    mounts: spec.mounts ?? [],
    shmSize: spec.shmSize ?? defaultShmSize,
    argv,
    secretEnv: spec.secretEnv ?? [],
    stdio: streams.stdio,
    status: streams.status,
    // In single mode there is nobody else to own it.
    ...(spec.stdio.kind === 'terminal' && { terminalOwner: mode.kind === 'single' ? 0 : spec.uid }),
    detached: spec.stdio.kind !== 'inherit',
  }
}

/** The image's own env(1), if it has an executable one. */
function imageEnv(root: string): string | undefined {
  const rootFd = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    return ['/usr/bin/env', '/bin/env'].find((path) => isProgram(rootFd, path))
  } finally {
    closeSync(rootFd)
  }
}

const pathOnly = 0o10000000

function isProgram(rootFd: number, path: string): boolean {
  try {
    const fd = openInRoot(rootFd, Buffer.from(path), pathOnly)
    try {
      const { mode } = statSync(`/proc/self/fd/${fd}`)
      return (mode & 0o111) !== 0
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return false
  }
}
