/** Getting at a container's tree: in this process, or in the one that runs it. */
import { setTimeout as delay } from 'node:timers/promises'
import { WherryError } from '../core/errors.ts'
import type { Scope } from '../core/scope.ts'
import type { ContainerHold, ContainerRecord } from '../store/contract.ts'
import { stackOf, unpackStack } from '../transfer/stack.ts'
import { askContainers } from '../trees/container-ask.ts'
import type { ContainerTree, ContainerTrees } from '../trees/container-contract.ts'
import type { ContainerDeps } from './deps.ts'

/** How long another command may have a container before this one gives up, in milliseconds. */
const patienceMs = 30_000
const pollMs = 50

/** A container's tree, and what works on it. */
export interface Access {
  readonly containers: ContainerTrees
  readonly tree: ContainerTree
  /** A program runs in it, in another process. */
  readonly isRunning: boolean
}

/**
 * Gives `work` a container's tree, alone or beside the program that runs in it.
 * @throws WherryError `container-in-use` if another command has it for too long
 */
export async function withTree<T>(
  record: ContainerRecord,
  { deps, scope }: { readonly deps: ContainerDeps; readonly scope: Scope },
  work: (access: Access) => Promise<T>,
): Promise<T> {
  const { containers } = deps.store
  const end = Date.now() + patienceMs
  for (;;) {
    const hold = await containers.hold(record, 'work')
    if (hold !== undefined) {
      try {
        return await work(await ownAccess(record, deps, scope))
      } finally {
        await hold.release()
      }
    }
    const holder = await containers.holder(record)
    const asked = holder?.kind === 'run' ? await askContainers(containers.socketPath(record)) : undefined
    if (asked !== undefined) {
      try {
        return await work({ containers: asked.containers, tree: await treeOf(record, deps), isRunning: true })
      } finally {
        asked.close()
      }
    }
    if (Date.now() > end) throw inUse(record, holder?.pid)
    await delay(pollMs, undefined, { signal: scope.signal })
  }
}

/**
 * Takes a container for a run.
 * @throws WherryError `container-in-use`
 */
export async function holdForRun(record: ContainerRecord, { store }: ContainerDeps): Promise<ContainerHold> {
  const end = Date.now() + patienceMs
  for (;;) {
    const hold = await store.containers.hold(record, 'run')
    if (hold !== undefined) return hold
    const holder = await store.containers.holder(record)
    if (holder?.kind === 'run' || Date.now() > end) throw inUse(record, holder?.pid)
    await delay(pollMs)
  }
}

function inUse({ name }: ContainerRecord, pid: number | undefined): WherryError {
  return new WherryError(
    'container-in-use',
    `the container ${name} is in use by another process${pid === undefined ? '' : ` (${pid})`}`,
    { hint: `Wait for it, or end it with \`wherry stop ${name}\`.` },
  )
}

/** The tree in this process, its layers unpacked. */
export async function ownAccess(record: ContainerRecord, deps: ContainerDeps, scope: Scope): Promise<Access> {
  const trees = await deps.treesAt(record.place)
  const diffIds = record.layers.map((layer) => layer.diffId)
  await unpackStack(diffIds, { ...deps, trees }, scope)
  return { containers: trees.containers, tree: await treeOf(record, deps), isRunning: false }
}

async function treeOf(record: ContainerRecord, { store }: ContainerDeps): Promise<ContainerTree> {
  const layers = await stackOf(
    record.layers.map((layer) => layer.diffId),
    store,
  )
  return { id: record.id, layers, mountPoints: record.mounts.map(({ target }) => target) }
}
