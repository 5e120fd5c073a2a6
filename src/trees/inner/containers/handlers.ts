/** What the inner process does about working containers, by the name of the call. */
import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { fromText } from '../../../core/bytepath.ts'
import { ifThere } from '../../../core/if-there.ts'
import { ownedName } from '../../../host/owner.ts'
import { removeTree } from '../../../rootfs/disk.ts'
import type { ContainerCalls } from '../../container-contract.ts'
import type { Inner } from '../state.ts'
import { changesOf } from './changes.ts'
import { packTree, statTree } from './pack.ts'
import { putTree } from './put.ts'
import { runContainer, runShell, stopContainer } from './run.ts'
import { openContainer, treeDir, volumeDir, whilePaused, withContainer } from './open.ts'
import { sealTree } from './seal.ts'

interface Tools {
  readonly signal: AbortSignal
}

type Handlers = { readonly [N in keyof ContainerCalls]: (params: ContainerCalls[N], tools: Tools) => Promise<unknown> }

/** Serves `ContainerTrees`. */
export function containerHandlers(inner: Inner): Handlers {
  /** Containers mounted for `shell`, with what unmounts them. */
  const mounted = new Map<string, () => Promise<void>>()
  return {
    containerRun: (request, { signal }) => runContainer(inner, request, signal),
    containerChanges: ({ tree }) => withContainer(inner, tree, (container) => changesOf(inner, container)),
    containerSeal: ({ tree, request }, { signal }) =>
      withContainer(inner, tree, (container) => {
        const seal = (): ReturnType<typeof sealTree> => sealTree(inner, container, { request, signal })
        return request.pause ? whilePaused(container, seal) : seal()
      }),
    containerPack: ({ tree, request }, { signal }) =>
      withContainer(inner, tree, (container) =>
        whilePaused(container, () => packTree(inner, container, { request, signal })),
      ),
    containerStat: ({ tree, path }) =>
      withContainer(inner, tree, (container) => Promise.resolve(statTree(container, path))),
    containerPut: ({ tree, request }, { signal }) =>
      withContainer(inner, tree, (container) =>
        whilePaused(container, () => putTree(inner, container, { request, signal })),
      ),
    containerStop: (params) => stopContainer(inner, params),
    containerMount: async ({ tree }) => {
      const open = inner.containers.get(tree.id)
      if (open !== undefined) return open.root
      const { container, close } = await openContainer(inner, tree)
      mounted.set(tree.id, close)
      return container.root
    },
    containerUnmount: async ({ tree }) => {
      const close = mounted.get(tree.id)
      mounted.delete(tree.id)
      await close?.()
    },
    containerRemove: ({ ids, volumes }) => {
      for (const dir of [...ids.map((id) => treeDir(inner, id)), ...volumes.map((name) => volumeDir(inner, name))])
        removeAside(inner, dir)
      return Promise.resolve()
    },
    containerShell: (request, { signal }) => runShell(request, signal),
  }
}

/** Moved among the dead drafts first, so that nobody sees half of it and the next process deletes what is left. */
function removeAside({ draftsDir }: Inner, dir: string): void {
  const aside = join(draftsDir, ownedName('removed'))
  if (ifThere(() => (renameSync(dir, aside), true)) === true) removeTree(fromText(aside))
}
