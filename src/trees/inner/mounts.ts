/** What a run sees beside its root file system: made ready here, mounted by the sandbox, and gone after the run. */
import { existsSync, mkdirSync, realpathSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fromText } from '../../core/bytepath.ts'
import { WherryError, asWherryError } from '../../core/errors.ts'
import { ifThere } from '../../core/if-there.ts'
import { ownedName } from '../../host/owner.ts'
import type { MountedTree } from '../../rootfs/contract.ts'
import { copyAny } from '../../rootfs/copy-tree.ts'
import { removeTree } from '../../rootfs/disk.ts'
import type { SandboxMount } from '../../sandbox/contract.ts'
import type { TreeMount } from '../contract.ts'
import { type CacheFolders, openCacheFolders } from './cache-mounts.ts'
import { type MemoryFolder, openMemoryFolder, openPlainFolder } from './memory-folder.ts'
import { relaySocket } from './relay.ts'
import { volumeDir } from './containers/open.ts'
import { folderIn, sourceIn } from './root-files.ts'
import type { Inner } from './state.ts'

/** Mounts that are ready for any number of runs. */
export interface PreparedMounts {
  readonly mounts: readonly SandboxMount[]
  /** To be called when no run has them any more. */
  release(): Promise<void>
}

/** What is made ready on the way. */
interface Preparation {
  readonly inner: Inner
  /** Folder of this run's own. */
  readonly dir: string
  /** Undoes what was done, the last thing first. */
  readonly undo: (() => void | Promise<void>)[]
  readonly caches: CacheFolders
  memory?: MemoryFolder
  /** The mounted tree of the run, for what new volumes begin with. */
  readonly root?: string
}

/**
 * Makes the mounts of a run ready.
 * @param dir a folder of the run's own, for mount points
 * @throws WherryError `copy-failed` for a source that is not there, `host-unsupported` for an id that is not mapped, `cancelled`
 */
export async function prepareMounts(
  inner: Inner,
  mounts: readonly TreeMount[],
  { dir, signal, root }: { readonly dir: string; readonly signal: AbortSignal; readonly root?: string },
): Promise<PreparedMounts> {
  const undo: Preparation['undo'] = []
  const release = async (): Promise<void> => {
    const failures: unknown[] = []
    for (let step = undo.pop(); step !== undefined; step = undo.pop())
      await Promise.resolve(step)
        .then((work) => work())
        .catch((error: unknown) => failures.push(error))
    if (failures.length > 0) throw asWherryError(failures[0])
  }
  try {
    const requests = mounts.filter((mount) => mount.kind === 'cache')
    const caches = await openCacheFolders(inner, requests, { dir, signal })
    undo.push(caches.release)
    const preparation: Preparation = { inner, dir, undo, caches, ...(root !== undefined && { root }) }
    const ready: SandboxMount[] = []
    for (const mount of mounts) ready.push(await prepare(preparation, mount))
    return { mounts: ready, release }
  } catch (error) {
    await release()
    throw error
  }
}

async function prepare(work: Preparation, mount: TreeMount): Promise<SandboxMount> {
  const { target } = mount
  switch (mount.kind) {
    case 'tmpfs':
      return { kind: 'tmpfs', target, size: mount.size }
    case 'host':
      return { kind: 'bind', source: hostSource(work, mount), target, readOnly: mount.readOnly }
    case 'volume':
      return { kind: 'bind', source: volumeSource(work, mount), target, readOnly: mount.readOnly }
    case 'stack': {
      const source = await (work.inner.mode.kind === 'chroot' ? stackCopy : stackSource)(work, mount)
      return { kind: 'bind', source, target, readOnly: mount.readOnly }
    }
    case 'cache': {
      const shared = await work.caches.source(mount)
      const isLent = work.inner.mode.kind === 'chroot' && mount.readOnly
      return { kind: 'bind', source: isLent ? ownCopy(shared, work) : shared, target, readOnly: mount.readOnly }
    }
    case 'file': {
      const content = Buffer.from(mount.content, 'base64')
      const source = memoryOf(work).file(content, mount)
      return { kind: 'bind', source, target, readOnly: true, data: { executable: (mount.mode & 0o111) !== 0 } }
    }
    case 'socket': {
      const memory = memoryOf(work)
      const source = memory.freshPath()
      const relay = await relaySocket(mount.path, source)
      work.undo.push(relay.close)
      memory.own(source, mount)
      return { kind: 'bind', source, target, readOnly: false }
    }
  }
}

/** @throws WherryError `host-unsupported` in chroot mode, `usage` if there is nothing to mount */
function hostSource({ inner }: Preparation, { source }: Extract<TreeMount, { kind: 'host' }>): string {
  if (inner.mode.kind === 'chroot')
    throw new WherryError('host-unsupported', 'in chroot mode no folder of this machine can be mounted', {
      hint: 'Copy what is needed with `wherry cp`, or use a volume: `wherry doctor` says what other modes need.',
    })
  const real = ifThere(() => realpathSync(source))
  if (real !== undefined) return real
  throw new WherryError('usage', `there is no ${source} on this machine to mount`)
}

/** The folder of a volume: a new one is a copy of what the tree has there. In single mode its owners are not remembered. */
function volumeSource({ inner, root }: Preparation, mount: Extract<TreeMount, { kind: 'volume' }>): string {
  const dir = volumeDir(inner, mount.name)
  if (existsSync(dir)) return dir
  mkdirSync(dirname(dir), { recursive: true, mode: 0o755 })
  const fresh = `${dir}.new`
  removeTree(fromText(fresh))
  const source = root === undefined ? undefined : folderIn(root, mount.target)
  if (source === undefined) mkdirSync(fresh, { mode: 0o755 })
  else copyAny(fromText(source), fromText(fresh))
  renameSync(fresh, dir)
  return dir
}

/** One for all files and sockets of a run. */
function memoryOf(work: Preparation): MemoryFolder {
  if (work.memory === undefined) {
    const { mode, secretsOnDisk } = work.inner
    work.memory =
      mode.kind === 'chroot' ? openPlainFolder(work.dir, { mode, secretsOnDisk }) : openMemoryFolder(work.dir, mode)
    work.undo.push(work.memory.close)
  }
  return work.memory
}

async function stackSource(work: Preparation, mount: Extract<TreeMount, { kind: 'stack' }>): Promise<string> {
  const chainIds = mount.layers.map((layer) => layer.chainId)
  const { snapshots } = work.inner
  let tree: MountedTree
  if (mount.readOnly) {
    tree = await snapshots.view(chainIds)
    work.undo.push(() => tree.unmount())
  } else {
    const draft = await snapshots.begin(chainIds)
    work.undo.push(() => draft.discard())
    tree = await draft.mount()
  }
  return sourceIn(tree.path, mount.source)
}

/** Where nothing can be mounted the run gets a copy, which it may change. */
async function stackCopy(work: Preparation, mount: Extract<TreeMount, { kind: 'stack' }>): Promise<string> {
  const tree = await work.inner.snapshots.view(mount.layers.map((layer) => layer.chainId))
  try {
    return ownCopy(sourceIn(tree.path, mount.source), work)
  } finally {
    await tree.unmount()
  }
}

function ownCopy(source: string, { dir, undo }: Preparation): string {
  const copy = join(dir, ownedName('copy'))
  undo.push(() => removeTree(fromText(copy)))
  copyAny(fromText(source), fromText(copy))
  return copy
}
