/** Taking containers away. */
import { WherryError } from '../core/errors.ts'
import { type Scope, quietScope } from '../core/scope.ts'
import { runtimeOf } from '../oci/config.ts'
import type { ContainerRecord } from '../store/contract.ts'
import { setTimeout as delay } from 'node:timers/promises'
import { askContainers } from '../trees/container-ask.ts'
import type { ContainerDeps } from './deps.ts'

/** How to remove. */
export interface RemoveRequest {
  /** Also one that runs: it is killed. */
  readonly force: boolean
  /** With the volumes that nobody has named. */
  readonly volumes: boolean
}

const pollMs = 20
const endLimitMs = 20_000

/**
 * Removes a container: its record first, so that it is gone whatever happens then.
 * @throws WherryError `container-in-use` if it runs and `force` is not given
 */
export async function removeContainer(
  record: ContainerRecord,
  { force, volumes }: RemoveRequest,
  { deps, scope }: { readonly deps: ContainerDeps; readonly scope: Scope },
): Promise<void> {
  const { containers } = deps.store
  const hold = (await containers.hold(record, 'work')) ?? (await takeFrom(record, force, { deps, scope }))
  try {
    await containers.remove(record)
    const anonymous = record.mounts.filter((mount) => mount.anonymous === true).map((mount) => mount.source)
    const trees = await deps.treesAt(record.place)
    await trees.containers.remove({ ids: [record.id], volumes: volumes ? anonymous : [] }, scope)
  } finally {
    await hold.release()
  }
}

async function takeFrom(
  record: ContainerRecord,
  force: boolean,
  { deps, scope }: { readonly deps: ContainerDeps; readonly scope: Scope },
): Promise<{ release(this: void): Promise<void> }> {
  const { containers } = deps.store
  const holder = await containers.holder(record)
  if (holder?.kind === 'run' && !force)
    throw new WherryError('container-in-use', `the container ${record.name} is running`, {
      hint: `End it first (\`wherry stop ${record.name}\`), or remove it with --force.`,
    })
  if (holder?.kind === 'run') await stopContainer(record, { signal: 'SIGKILL', graceMs: 0 }, { deps, scope })
  const end = Date.now() + endLimitMs
  while (Date.now() < end) {
    const hold = await containers.hold(record, 'work')
    if (hold !== undefined) return hold
    await delay(pollMs)
  }
  throw new WherryError('container-in-use', `another process works on the container ${record.name}`, {
    hint: 'Try again in a moment.',
  })
}

/** How to stop. */
export interface StopRequest {
  /** The container's own stop signal if not given. */
  readonly signal?: string
  readonly graceMs: number
}

/** Ends what runs in a container, in whichever process; resolves when it has ended. One that does not run is left alone. */
export async function stopContainer(
  record: ContainerRecord,
  { signal, graceMs }: StopRequest,
  { deps, scope }: { readonly deps: Pick<ContainerDeps, 'store'>; readonly scope: Scope },
): Promise<void> {
  const { containers } = deps.store
  if ((await containers.holder(record))?.kind !== 'run') return
  const asked = await askContainers(containers.socketPath(record))
  if (asked === undefined) return
  try {
    const request = { signal: signal ?? runtimeOf({ raw: record.config }).stopSignal ?? 'SIGTERM', graceMs }
    await asked.containers.stop({ id: record.id, layers: [], mountPoints: [] }, request, scope)
  } catch (error) {
    // The process that ran it may end before it has answered.
    if (!(error instanceof WherryError) || error.code !== 'container-in-use') throw error
  } finally {
    asked.close()
  }
  const end = Date.now() + endLimitMs
  while (Date.now() < end) {
    if ((await containers.holder(record))?.kind !== 'run') return
    await delay(pollMs)
  }
}

/** Removes what was to go with its program, and whose process was killed before that. */
export async function sweepContainers(deps: Pick<ContainerDeps, 'store'>): Promise<void> {
  for (const record of await deps.store.containers.list()) {
    if (!record.autoRemove || record.startedAt === undefined) continue
    const hold = await deps.store.containers.hold(record, 'work')
    // The tree goes when the next process works on trees of its kind.
    if (hold !== undefined) await deps.store.containers.remove(record).finally(() => hold.release())
  }
}

/** A scope that nothing ends: for tidying up after what was cancelled. */
export const tidyScope: Scope = quietScope()
