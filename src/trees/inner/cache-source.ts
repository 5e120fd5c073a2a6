/** The part of a cache mount that a run wants: opened, or made from the seed or as an empty folder. */
import { chmodSync, chownSync, closeSync, constants, fstatSync, mkdirSync, openSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fromText } from '../../core/bytepath.ts'
import { WherryError, errnoOf } from '../../core/errors.ts'
import { moveIfFree, openFolderBelow, openInRoot } from '../../host/files.ts'
import { ownedName } from '../../host/owner.ts'
import { copyAny } from '../../rootfs/copy-tree.ts'
import { lstatIfThere, removeTree } from '../../rootfs/disk.ts'
import { requireIds } from '../../sandbox/ids.ts'
import type { CacheMountRequest } from './cache-mounts.ts'
import { sourceIn } from './root-files.ts'
import type { Inner } from './state.ts'

const pathOnly = 0o10000000
const pathOnlyFolder = pathOnly | constants.O_DIRECTORY

/** An open part of a cache mount. */
export interface CacheSource {
  /** Descriptor (O_PATH), the caller's to close. */
  readonly fd: number
  readonly isFolder: boolean
}

/**
 * Opens the source of a mount in the cache mount at `folder`, making what is missing. Other runs may be writing there: names
 * are looked up by the kernel in one go or without following any link.
 * @throws WherryError `copy-failed` if the seed has no such source
 */
export async function openCacheSource(inner: Inner, folder: string, mount: CacheMountRequest): Promise<CacheSource> {
  const parts = posix.join('/', mount.source).split('/').filter(Boolean)
  if (parts.length > 0) mkdirIfAbsent(folder)
  else if (lstatIfThere(fromText(folder)) === undefined) await create(inner, mount, folder)
  const root = openSync(folder, pathOnlyFolder)
  try {
    return opened(openInRoot(root, Buffer.from(parts.join('/') || '.'), pathOnly))
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    return await openMade(inner, mount, { root, parts })
  } finally {
    closeSync(root)
  }
}

function opened(fd: number): CacheSource {
  return { fd, isFolder: fstatSync(fd).isDirectory() }
}

async function openMade(
  inner: Inner,
  mount: CacheMountRequest,
  { root, parts }: { readonly root: number; readonly parts: readonly string[] },
): Promise<CacheSource> {
  const name = parts.at(-1) ?? '.'
  const parent = openParent(root, parts.slice(0, -1), mount)
  try {
    await create(inner, mount, `/proc/self/fd/${parent}/${name}`)
    // Without a slash in it the name is that of an entry of this folder, whatever it is.
    const source = opened(openInRoot(parent, Buffer.from(name), pathOnly | constants.O_NOFOLLOW))
    if (!fstatSync(source.fd).isSymbolicLink()) return source
    closeSync(source.fd)
    throw deadEnd(mount)
  } finally {
    closeSync(parent)
  }
}

function deadEnd({ source }: CacheMountRequest): WherryError {
  return new WherryError('sandbox-failed', `the source ${source} is a link to nothing in the cache mount`)
}

function openParent(root: number, parts: readonly string[], mount: CacheMountRequest): number {
  let at = openFolderBelow(root, Buffer.from('.'))
  for (const part of parts) {
    const above = at
    try {
      mkdirIfAbsent(`/proc/self/fd/${above}/${part}`)
      at = openFolderBelow(above, Buffer.from(part))
    } catch (error) {
      throw errnoOf(error) === 'ELOOP' ? deadEnd(mount) : error
    } finally {
      closeSync(above)
    }
  }
  return at
}

function mkdirIfAbsent(path: string): void {
  try {
    mkdirSync(path, { mode: 0o755 })
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
  }
}

/** Makes what a new cache mount starts with, at `path`; whoever is first has made it for all. */
async function create(inner: Inner, mount: CacheMountRequest, path: string): Promise<void> {
  const temp = join(inner.mountsDir, ownedName('cache'))
  try {
    if (mount.seed === undefined) makeFolder(inner, mount, temp)
    else await copySeed(inner, mount, { seed: mount.seed, temp })
    moveIfFree(Buffer.from(temp), Buffer.from(path))
  } finally {
    removeTree(fromText(temp))
  }
}

function makeFolder({ mode }: Inner, { uid, gid, mode: permissions }: CacheMountRequest, path: string): void {
  requireIds(mode, { uid, gids: [gid] })
  mkdirSync(path)
  // In single mode there is one id, which is everybody's.
  if (mode.kind !== 'single') chownSync(path, uid, gid)
  chmodSync(path, permissions)
}

async function copySeed(
  inner: Inner,
  mount: CacheMountRequest,
  { seed, temp }: { readonly seed: NonNullable<CacheMountRequest['seed']>; readonly temp: string },
): Promise<void> {
  const tree = await inner.snapshots.view(seed.map((layer) => layer.chainId))
  try {
    copyAny(fromText(sourceIn(tree.path, mount.source)), fromText(temp))
  } finally {
    await tree.unmount()
  }
}
