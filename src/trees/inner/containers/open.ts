/** Containers that this process has mounted, and what is known of the owners in their trees. */
import { existsSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromText } from '../../../core/bytepath.ts'
import { WherryError } from '../../../core/errors.ts'
import { stopDescendants } from '../../../host/descendants.ts'
import type { Draft, MountedTree } from '../../../rootfs/contract.ts'
import { lstatIfThere, removeTree } from '../../../rootfs/disk.ts'
import type { LowerOwner, RecordedOwner, RunningProcess } from '../../../sandbox/contract.ts'
import type { ContainerTree } from '../../container-contract.ts'
import { type LowerFiles, findLowerOwners } from '../lower-owners.ts'
import type { Inner } from '../state.ts'

/** Owners and devices by `ino:birthtimeNs` of the mounted tree. */
export type Owners = ReadonlyMap<string, RecordedOwner>

/** A container's tree, mounted. */
export interface OpenContainer {
  readonly tree: ContainerTree
  readonly draft: Draft
  /** Absolute path of the mounted tree. */
  readonly root: string
  /** In single mode: what of the layers below belongs to others than root. */
  readonly lower: LowerFiles | undefined
  /** What the processes of earlier runs asked for. */
  owners: Owners
  /** What runs in it. */
  process?: RunningProcess
}

const ownersFile = 'owners'

/** Where a container's tree lies. */
export function treeDir({ containersDir }: Inner, id: string): string {
  if (!/^[0-9a-f]{64}$/.test(id)) throw new WherryError('internal', `"${id}" is no container`)
  return join(containersDir, id)
}

/** Where a volume lies. */
export function volumeDir({ containersDir }: Inner, name: string): string {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) throw new WherryError('usage', `"${name}" is no name for a volume`)
  return join(containersDir, 'volumes', name)
}

/** Mounts a container, for `work` and until it is done; one that is mounted already stays so. */
export async function withContainer<T>(
  inner: Inner,
  tree: ContainerTree,
  work: (container: OpenContainer) => Promise<T>,
): Promise<T> {
  const open = inner.containers.get(tree.id)
  if (open !== undefined) {
    requireNamespaces(inner)
    return await work(open)
  }
  const { container, close } = await openContainer(inner, tree)
  try {
    return await work(container)
  } finally {
    await close()
  }
}

/** In chroot mode what runs has its own things in the tree. @throws WherryError `host-unsupported` */
export function requireNamespaces({ mode }: Inner): void {
  if (mode.kind !== 'chroot') return
  throw new WherryError('host-unsupported', 'in chroot mode nothing can be done to a container that runs', {
    hint: 'End it in its own terminal first. Modes with user namespaces can do it: see `wherry doctor`.',
  })
}

/** Mounts a container that is not mounted. `close` keeps it on disk. */
export async function openContainer(
  inner: Inner,
  tree: ContainerTree,
): Promise<{ readonly container: OpenContainer; close(this: void): Promise<void> }> {
  const draft = await inner.snapshots.begin(
    tree.layers.map((layer) => layer.chainId),
    treeDir(inner, tree.id),
  )
  const mounted = await draft.mount()
  try {
    const container: OpenContainer = {
      tree,
      draft,
      root: mounted.path,
      lower: lowerFilesOf(inner, tree, mounted),
      owners: readOwners(draft.dir),
    }
    inner.containers.set(tree.id, container)
    return { container, close: () => closeContainer(inner, tree, mounted) }
  } catch (error) {
    await mounted.unmount()
    throw error
  }
}

async function closeContainer(inner: Inner, tree: ContainerTree, mounted: MountedTree): Promise<void> {
  inner.containers.delete(tree.id)
  await mounted.unmount()
}

function lowerFilesOf(inner: Inner, tree: ContainerTree, { path }: MountedTree): LowerFiles | undefined {
  if (inner.mode.kind !== 'single') return undefined
  return findLowerOwners(tree.layers, { root: fromText(path), stable: inner.snapshots.driver === 'copy' })
}

/** What the sandbox must know: owners of the layers below, and over them what was asked for in the container. */
export function knownOwners({ root, lower, owners }: OpenContainer): LowerOwner[] {
  const dev = lstatIfThere(fromText(root))?.dev ?? 0n
  const own = [...owners].map(([identity, owner]) => {
    const [ino = '0', birth = '0'] = identity.split(':')
    return { ...owner, dev, ino: BigInt(ino), birth: BigInt(birth) }
  })
  return [...(lower?.files ?? []), ...own]
}

/** What is known now: also of what runs at the moment. */
export async function currentOwners(container: OpenContainer): Promise<Owners> {
  const asked = await container.process?.owners()
  return asked === undefined ? container.owners : new Map([...container.owners, ...asked])
}

/** Keeps owners on disk beside the tree, so that a crash leaves the old ones or these. */
export function saveOwners(container: OpenContainer, asked: Owners | undefined): void {
  if (asked === undefined || asked.size === 0) return
  container.owners = new Map([...container.owners, ...asked])
  const path = join(container.draft.dir, ownersFile)
  writeFileSync(`${path}.new`, JSON.stringify([...container.owners]), { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

function readOwners(dir: string): Owners {
  const path = join(dir, ownersFile)
  return existsSync(path) ? new Map(JSON.parse(readFileSync(path, 'utf8')) as [string, RecordedOwner][]) : new Map()
}

/** Runs `work` while no process of the container does. */
export async function whilePaused<T>({ process }: OpenContainer, work: () => Promise<T>): Promise<T> {
  if (process === undefined) return await work()
  const goOn = await stopDescendants(process.pid)
  try {
    return await work()
  } finally {
    goOn()
  }
}

/** Deletes trees whose record is gone: their container was removed, and the process that did so died before this was done. */
export function sweepTrees(containersDir: string): void {
  const names = new Set(readdirSync(containersDir))
  for (const name of names)
    if (/^[0-9a-f]{64}$/.test(name) && !names.has(`${name}.json`)) removeTree(fromText(join(containersDir, name)))
}
