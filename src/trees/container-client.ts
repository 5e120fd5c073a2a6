/** The service for working containers as the outer process has it. */
import type { Scope } from '../core/scope.ts'
import type { SealedLayer } from '../layer/contract.ts'
import type { ContainerCall, sharedCalls } from './container-calls.ts'
import type {
  ContainerCalls,
  ContainerTree,
  ContainerTrees,
  PackedTree,
  TreeChange,
  TreeStat,
} from './container-contract.ts'

/** The service over a way to make calls. */
export function containerTrees(call: ContainerCall, place: () => Promise<string>): ContainerTrees {
  const about =
    <N extends (typeof sharedCalls)[number], R>(name: N) =>
    (tree: ContainerTree, rest: Omit<ContainerCalls[N], 'tree'>, { signal }: Scope): Promise<R> =>
      call(name, { tree, ...rest } as ContainerCalls[N], { signal }) as Promise<R>
  const changes = about<'containerChanges', readonly TreeChange[]>('containerChanges')
  const seal = about<'containerSeal', SealedLayer>('containerSeal')
  const pack = about<'containerPack', PackedTree>('containerPack')
  const stat = about<'containerStat', TreeStat | null>('containerStat')
  const put = about<'containerPut', undefined>('containerPut')
  const stop = about<'containerStop', undefined>('containerStop')
  const mount = about<'containerMount', string>('containerMount')
  const unmount = about<'containerUnmount', undefined>('containerUnmount')
  return {
    place,
    offer: async (path) => {
      const { offerContainers } = await import('./container-control.ts')
      return await offerContainers(path, call)
    },
    run: async (request, { signal }) => (await call('containerRun', request, { signal })) as number,
    changes: (tree, scope) => changes(tree, {}, scope),
    seal: (tree, request, scope) => seal(tree, { request }, scope),
    pack: (tree, request, scope) => pack(tree, { request }, scope),
    stat: async (tree, path, scope) => (await stat(tree, { path }, scope)) ?? undefined,
    put: async (tree, request, scope) => {
      await put(tree, { request }, scope)
    },
    stop: async (tree, request, scope) => {
      await stop(tree, { request }, scope)
    },
    mount: (tree, scope) => mount(tree, {}, scope),
    unmount: async (tree, scope) => {
      await unmount(tree, {}, scope)
    },
    remove: async (request, { signal }) => {
      await call('containerRemove', request, { signal })
    },
    shell: async (request, { signal }) => (await call('containerShell', request, { signal })) as number,
  }
}
