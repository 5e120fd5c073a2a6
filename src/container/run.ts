/** A program in a container, in the foreground. */
import { WherryError } from '../core/errors.ts'
import type { Scope } from '../core/scope.ts'
import { type RuntimeConfig, runtimeOf } from '../oci/config.ts'
import { defaultPath } from '../plan/state.ts'
import type { ContainerMount, ContainerRecord } from '../store/contract.ts'
import type { ContainerRun } from '../trees/container-contract.ts'
import type { TreeMount } from '../trees/contract.ts'
import { type Access, holdForRun, ownAccess } from './access.ts'
import { mergeEnv } from './create.ts'
import type { ContainerDeps } from './deps.ts'

/** How to run a container's program. */
export interface RunRequest {
  /** Instead of the container's ENTRYPOINT and CMD, as buildah has it. */
  readonly command?: readonly string[]
  readonly env?: readonly string[]
  readonly user?: string
  readonly workingDir?: string
  readonly hostname?: string
  readonly network?: 'host' | 'none'
  /** Beside those of the container. */
  readonly mounts?: readonly ContainerMount[]
  readonly extraHosts?: readonly (readonly [host: string, address: string])[]
  readonly interactive: boolean
  readonly terminal: boolean
}

/** Of a program that SIGKILL has ended. */
const killedCode = 137

/** After a first request to end, how long the program has before it is killed, in milliseconds. */
const graceMs = 10_000

/**
 * Runs to the end and gives the exit code. When the scope is cancelled the program gets its stop signal, and is killed if it
 * does not heed that.
 * @throws WherryError `usage` if there is nothing to run, `container-in-use`
 */
export async function runContainer(
  record: ContainerRecord,
  request: RunRequest,
  { deps, scope }: { readonly deps: ContainerDeps; readonly scope: Scope },
): Promise<number> {
  const hold = await holdForRun(record, deps)
  const { containers } = deps.store
  try {
    const access = await ownAccess(record, deps, scope)
    const run = containerRun(record, request, access)
    await containers.update({ ...record, startedAt: new Date().toISOString() })
    const offer = await access.containers.offer(containers.socketPath(record))
    try {
      const code = await runUntilEnd(run, { access, scope, config: runtimeOf({ raw: record.config }) })
      const now = await containers.resolve(record.id).catch(() => record)
      await containers.update({ ...now, exit: { code, at: new Date().toISOString() } })
      return code
    } finally {
      offer.close()
    }
  } finally {
    await hold.release()
  }
}

interface Running {
  readonly access: Access
  readonly scope: Scope
  readonly config: RuntimeConfig
}

async function runUntilEnd(run: ContainerRun, { access, scope, config }: Running): Promise<number> {
  const kill = new AbortController()
  const end = { signal: config.stopSignal ?? 'SIGTERM', graceMs }
  const quiet: Scope = { signal: new AbortController().signal, emit: scope.emit }
  const onAbort = (): void => {
    const stopped = access.containers.stop(run.tree, end, quiet)
    // A program that never began cannot be stopped.
    void stopped.catch(() => undefined).finally(() => kill.abort(scope.signal.reason))
  }
  if (scope.signal.aborted) onAbort()
  scope.signal.addEventListener('abort', onAbort, { once: true })
  try {
    const code = await access.containers.run(run, { ...scope, signal: kill.signal })
    // It was killed because the user wanted an end: that is what happened.
    if (scope.signal.aborted && code === killedCode)
      throw new WherryError('cancelled', 'cancelled', { cause: scope.signal.reason })
    return code
  } finally {
    scope.signal.removeEventListener('abort', onAbort)
  }
}

function containerRun(record: ContainerRecord, request: RunRequest, { tree }: Access): ContainerRun {
  const config = runtimeOf({ raw: record.config })
  const mounts = [...record.mounts, ...(request.mounts ?? [])]
  const hostname = request.hostname ?? record.hostname
  return {
    tree: { ...tree, mountPoints: mounts.map(({ target }) => target) },
    run: {
      args: argsOf(config, request),
      env: envOf(config, request, hostname),
      cwd: request.workingDir ?? (config.workingDir || '/'),
      user: request.user ?? config.user,
      network: request.network ?? record.network,
      hostname,
      extraHosts: request.extraHosts ?? [],
      mounts: mounts.map(treeMount),
    },
    interactive: request.interactive,
    terminal: request.terminal,
  }
}

function treeMount({ kind, source, target, readOnly }: ContainerMount): TreeMount {
  return kind === 'bind' ? { kind: 'host', source, target, readOnly } : { kind, name: source, target, readOnly }
}

function argsOf({ entrypoint = [], cmd = [] }: RuntimeConfig, { command }: RunRequest): readonly string[] {
  const args = command ?? [...entrypoint, ...cmd]
  if (args.length > 0) return args
  throw new WherryError('usage', 'the image has neither CMD nor ENTRYPOINT', { hint: 'Name a command after it.' })
}

/** What docker sets: PATH and HOSTNAME, and for a terminal TERM. */
function envOf({ env }: RuntimeConfig, { env: over = [], terminal }: RunRequest, hostname: string): string[] {
  const own = [`PATH=${defaultPath}`, `HOSTNAME=${hostname}`, ...(terminal ? ['TERM=xterm'] : [])]
  return mergeEnv(mergeEnv(own, env), over)
}
