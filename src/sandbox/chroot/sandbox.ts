/**
 * The sandbox of chroot mode: one process in one root file system, with nothing but chroot(2).
 *
 * There are no namespaces. What a step sees beside its root file system is put into it and taken out again (stage.ts); a keeper
 * is the parent of all its processes, ends them, and takes the rights from them with which they would leave the root.
 *
 * One step at a time: two processes with different roots can hand each other a folder that lies outside of the other's, and
 * that leads out.
 */
import { closeSync, constants, openSync } from 'node:fs'
import { join } from 'node:path'
import { WherryError, asWherryError } from '../../core/errors.ts'
import type { Mode } from '../../host/contract.ts'
import { adoptOrphans } from '../../host/descendants.ts'
import { keepTerminal } from '../../host/terminal.ts'
import type { ProcessResult, ProcessSpec, Sandbox } from '../contract.ts'
import { requireIds } from '../ids.ts'
import type { KeeperStart, KeeperStream } from '../keeper/messages.ts'
import { requireLimits } from '../limits.ts'
import { mountPoints } from '../mount-points.ts'
import { type Streams, consume, exitCodeOf, openStreams, reader } from '../step.ts'
import { removeStubs } from '../stubs.ts'
import { openTargets } from '../targets.ts'
import { type Dressed, dress } from './dress.ts'
import { type Keeper, type StepEnd, createKeeper } from './keeper.ts'
import { openStage } from './stage.ts'

/** A sandbox for the inner process of chroot mode. */
export function createChrootSandbox(mode: Mode): Sandbox {
  adoptOrphans()
  const keeper = createKeeper()
  keeper.warm()
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work)
    last = turn.catch(() => undefined)
    return turn
  }
  return {
    mountPoints,
    run: async (root, spec, signal) => {
      requireIds(mode, { uid: spec.uid, gids: [spec.gid, ...spec.supplementaryGids] })
      requirePossible(spec)
      return inTurn(() => runIn(root, spec, { keeper, signal }))
    },
    close: keeper.close,
  }
}

/** @throws WherryError `host-unsupported` */
function requirePossible({ network, limits = [] }: ProcessSpec): void {
  requireLimits(limits)
  const hint = 'Modes with user namespaces can do it: `wherry doctor` says what they need.'
  if (network === 'none')
    throw new WherryError('host-unsupported', 'in chroot mode a step has the network of the container', { hint })
  // Their keeper must have them first, and is itself too large.
  const forbidden = limits.find(({ name }) => ['as', 'data', 'rss'].includes(name))
  if (forbidden !== undefined)
    throw new WherryError('host-unsupported', `the limit "${forbidden.name}" cannot be set in chroot mode`, { hint })
}

interface RunContext {
  readonly keeper: Keeper
  readonly signal: AbortSignal
}

async function runIn(root: string, spec: ProcessSpec, { keeper, signal }: RunContext): Promise<ProcessResult> {
  refuseAborted(signal)
  const stage = openStage(root)
  const targets = openTargets(root)
  try {
    const dressed = prepared(() => dress({ stage, targets }, spec))
    const result = await runDressed(spec, { root, lock: join(stage.aside, 'lock'), dressed, keeper, signal })
    refuseAborted(signal)
    return resultOf(result, spec)
  } finally {
    stage.clear()
    targets.close()
    removeStubs(root, targets.stubs())
  }
}

function refuseAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new WherryError('cancelled', 'cancelled', { cause: signal.reason })
}

function prepared<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    const known = asWherryError(error)
    if (known.code !== 'internal') throw known
    throw unreached(known.message, error)
  }
}

function unreached(message: string, cause?: unknown): WherryError {
  return new WherryError('sandbox-failed', `the sandbox of the step could not be set up: ${message}`, { cause })
}

function resultOf(result: StepEnd, { args, stdio }: ProcessSpec): ProcessResult {
  if (result.kind === 'ended') return { exitCode: exitCodeOf(result.end) }
  if (result.kind === 'lost')
    throw new WherryError('sandbox-failed', 'the step ended because the process that kept it was killed', {
      hint: 'In chroot mode a step that is root can kill processes of the builder.',
    })
  if (result.at === 'preparation') throw unreached(result.message)
  const isMissing = result.code === 'ENOENT'
  const text = `${args[0] ?? ''}: ${isMissing ? 'not found' : result.code}\n`
  if (stdio.kind === 'pipes') stdio.onOutput('stderr', Buffer.from(text))
  return { exitCode: isMissing ? 127 : 126 }
}

interface Setting extends RunContext {
  readonly root: string
  readonly lock: string
  readonly dressed: Dressed
}

async function runDressed(spec: ProcessSpec, setting: Setting): Promise<StepEnd> {
  const { stdio } = spec
  const giveBack = stdio.kind === 'inherit' && stdio.job ? keepTerminal(stdio.fds[0]) : undefined
  const streams = openStreams(stdio)
  const relay = relayOutputs(setting.dressed.outputs, stdio)
  let handedOver = false
  const started = (): void => {
    if (!handedOver) streams.handedOver()
    handedOver = true
  }
  try {
    const step = stepOf(spec, { setting, streams, job: giveBack !== undefined })
    const result = await setting.keeper.run(step, started, setting.signal)
    await relay.drained()
    await streams.drained
    return result
  } finally {
    started()
    giveBack?.()
  }
}

function stepOf(
  spec: ProcessSpec,
  { setting, streams, job }: { readonly setting: Setting; readonly streams: Streams; readonly job: boolean },
): Omit<KeeperStart, 'kind'> {
  const { args, cwd, uid, gid, supplementaryGids: groups, limits = [], stdio } = spec
  return {
    root: setting.root,
    lock: setting.lock,
    wiped: setting.dressed.secrets,
    args,
    cwd,
    uid,
    gid,
    groups,
    limits,
    env: Object.fromEntries([...spec.env, ...(spec.secretEnv ?? [])].flatMap(variable)),
    streams: stdio.kind === 'inherit' ? stdio.fds.map((own) => ({ own })) : streams.stdio.map(asStream),
    detached: stdio.kind !== 'inherit',
    job,
  }
}

function asStream(stream: number | 'ignore'): KeeperStream {
  return stream === 'ignore' ? null : { open: stream }
}

function variable(entry: string): [name: string, value: string][] {
  const equals = entry.indexOf('=')
  return equals > 0 ? [[entry.slice(0, equals), entry.slice(equals + 1)]] : []
}

/** Reads what is written to /dev/stdout and /dev/stderr by name, until `drained`. */
function relayOutputs(outputs: Dressed['outputs'], stdio: ProcessSpec['stdio']): { drained(): Promise<void> } {
  if (stdio.kind !== 'pipes') return { drained: () => Promise.resolve() }
  const open = outputs.map(({ stream, path }) => {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    // While this end is open no writer's end is the last one.
    const held = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
    return { held, done: consume(reader(fd), (chunk) => stdio.onOutput(stream, chunk)) }
  })
  return {
    drained: async () => {
      for (const { held } of open) closeSync(held)
      await Promise.all(open.map(({ done }) => done))
    },
  }
}
