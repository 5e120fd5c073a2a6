/** Files out of a container: a path of its tree as a tar. */
import { type BytePath, fromText } from '../../../core/bytepath.ts'
import { WherryError } from '../../../core/errors.ts'
import { sealLayerInTurns } from '../../../layer/seal.ts'
import type { Change } from '../../../rootfs/contract.ts'
import { identityOf } from '../../../rootfs/changes.ts'
import { lstatIfThere, nameOf, onDisk } from '../../../rootfs/disk.ts'
import { entryOnDisk } from '../../../rootfs/metadata.ts'
import { linksOnDisk, resolvePath } from '../../../rootfs/paths.ts'
import type { PackTree, PackedTree, TreeStat } from '../../container-contract.ts'
import type { Inner } from '../state.ts'
import { type OpenContainer, currentOwners } from './open.ts'
import { ownedItems, treeBelow } from './seal.ts'

/** Serves `ContainerTrees.stat`. */
export function statTree({ root }: OpenContainer, path: string): TreeStat | null {
  const base = fromText(root)
  const stat = lstatIfThere(onDisk(base, resolvePath(fromText(path), linksOnDisk(base), 'follow')))
  return stat === undefined ? null : { type: stat.isDirectory() ? 'dir' : 'other' }
}

/** Serves `ContainerTrees.pack`. @throws WherryError `copy-failed` if there is nothing */
export async function packTree(
  _inner: Inner,
  container: OpenContainer,
  { request, signal }: { readonly request: PackTree; readonly signal: AbortSignal },
): Promise<PackedTree> {
  const base = fromText(container.root)
  const path = fromText(request.path)
  const follow = request.follow || path.endsWith('/') || path.endsWith('/.')
  const found = resolvePath(path, linksOnDisk(base), follow ? 'follow' : 'keep')
  const disk = onDisk(base, found)
  const stat = lstatIfThere(disk)
  if (stat === undefined || (path.endsWith('/') && !stat.isDirectory()))
    throw new WherryError('copy-failed', `the container has no ${request.path}`)
  // `DIR/.` is what the folder holds.
  const name = /(^|\/)\.?$/.test(path) && path !== '' && !/[^/]\/$/.test(path) ? '' : nameOf(found)
  const changes = stat.isDirectory() ? treeBelow(disk).map((change) => renamed(change, name)) : one(disk, name)
  const items = ownedItems(container, changes, await currentOwners(container))
  const { tarPath, contentsPath } = request
  const sealed = await sealLayerInTurns({ items, tarPath, contentsPath }, signal)
  return { ...sealed, type: stat.isDirectory() ? 'dir' : 'other', name: Buffer.from(name, 'latin1').toString() }
}

/** An entry of a folder, named from above that folder. */
function renamed(change: Change, name: BytePath): Change {
  if (name === '') return change
  const { entry } = change
  const inside = (path: BytePath): BytePath => (path === '' ? name : `${name}/${path}`)
  const link = entry.type === 'hardlink' ? { link: inside(entry.link ?? '') } : {}
  return { ...change, entry: { ...entry, path: inside(entry.path), ...link } }
}

function one(disk: BytePath, name: BytePath): Change[] {
  const stat = lstatIfThere(disk)
  const entry = stat && entryOnDisk(name, disk, stat)
  if (stat === undefined || entry === undefined) throw new WherryError('copy-failed', 'a socket cannot be copied')
  return [{ entry, source: disk, identity: identityOf(stat), fresh: true }]
}
