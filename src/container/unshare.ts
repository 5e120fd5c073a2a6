/** A shell in the namespace of the trees, in which containers can be mounted: their files as they are, without root. */
import { WherryError } from '../core/errors.ts'
import type { Scope } from '../core/scope.ts'
import type { ContainerHold, ContainerRecord } from '../store/contract.ts'
import { offerCalls } from '../trees/container-control.ts'
import { ownAccess } from './access.ts'
import type { ContainerDeps } from './deps.ts'

/** Variable in the shell's environment: where `mount` and `umount` are asked. */
export const unshareVariable = 'WHERRY_UNSHARE'

/** What to run, and what to mount before. */
export interface UnshareRequest {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** Variables that get the folder of a container. */
  readonly mounts: readonly { readonly variable: string; readonly container: string }[]
}

/** A container that is mounted. */
interface Mounted {
  readonly record: ContainerRecord
  readonly path: string
  end(): Promise<void>
}

interface Work {
  readonly deps: ContainerDeps
  readonly scope: Scope
}

/** Runs it to its end; the exit code. What it has mounted is then unmounted. */
export async function unshare({ args, env, cwd, mounts }: UnshareRequest, work: Work): Promise<number> {
  const { deps, scope } = work
  const place = await deps.trees.containers.place()
  const mounted = new Map<string, Mounted>()
  const mount = async (query: string): Promise<string> => {
    const record = await deps.store.containers.resolve(query)
    const known = mounted.get(record.id) ?? (await mountOne(record, place, work))
    mounted.set(record.id, known)
    return known.path
  }
  const unmount = async (query: string): Promise<string> => {
    const { id, name } = await deps.store.containers.resolve(query)
    const known = mounted.get(id)
    if (known === undefined) throw new WherryError('usage', `the container ${name} is not mounted`)
    mounted.delete(id)
    await known.end()
    return name
  }
  const list = (): Promise<string[][]> =>
    Promise.resolve([...mounted.values()].map(({ record, path }) => [record.id.slice(0, 12), record.name, path]))
  const socket = deps.store.tempPath('unshare')
  const offer = await offerCalls(socket, {
    mount: ({ query }: { query: string }) => mount(query),
    unmount: ({ query }: { query: string }) => unmount(query),
    list,
  })
  try {
    const paths: Record<string, string> = {}
    for (const { variable, container } of mounts) paths[variable] = await mount(container)
    const all = { ...env, ...paths, [unshareVariable]: socket }
    return await deps.trees.containers.shell({ args, env: all, cwd }, scope)
  } finally {
    offer.close()
    for (const each of mounted.values()) await each.end()
  }
}

async function mountOne(record: ContainerRecord, place: string, { deps, scope }: Work): Promise<Mounted> {
  if (record.place !== place)
    throw new WherryError('host-unsupported', `the container ${record.name} has ids of another kind than this shell`, {
      hint: 'Start the shell with the container’s own --isolation.',
    })
  const hold: ContainerHold | undefined = await deps.store.containers.hold(record, 'work')
  if (hold === undefined)
    throw new WherryError('container-in-use', `the container ${record.name} is in use`, {
      hint: `End it first: \`wherry stop ${record.name}\`.`,
    })
  try {
    const { containers, tree } = await ownAccess(record, deps, scope)
    const path = await containers.mount(tree, scope)
    const end = async (): Promise<void> => {
      await containers.unmount(tree, scope)
      await hold.release()
    }
    return { record, path, end }
  } catch (error) {
    await hold.release()
    throw error
  }
}
