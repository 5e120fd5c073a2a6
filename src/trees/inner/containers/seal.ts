/** A container's tree as a layer: what it has changed, or all of it. */
import { type BytePath, fromText } from '../../../core/bytepath.ts'
import type { SealItem, SealedLayer } from '../../../layer/contract.ts'
import { type RecordedOwners, ownedBeyond, withDevices, withOwners, withOwnersBelow } from '../../../layer/owners.ts'
import { sealLayerInTurns } from '../../../layer/seal.ts'
import { mergeLayers } from '../../../oci/tree-merge.ts'
import { selectChanges } from '../../../rootfs/changes.ts'
import type { Change } from '../../../rootfs/contract.ts'
import { copyCandidates } from '../../../rootfs/copy-changes.ts'
import type { SealTree } from '../../container-contract.ts'
import { contentsOf } from '../lower-owners.ts'
import type { Inner } from '../state.ts'
import { type OpenContainer, currentOwners } from './open.ts'

/** Serves `ContainerTrees.seal`. */
export async function sealTree(
  inner: Inner,
  container: OpenContainer,
  { request, signal }: { readonly request: SealTree; readonly signal: AbortSignal },
): Promise<SealedLayer> {
  const { what, tarPath, contentsPath } = request
  const owners = await currentOwners(container)
  const changes = what === 'all' ? treeBelow(fromText(container.root)) : await draftChanges(inner, container)
  return await sealLayerInTurns({ items: ownedItems(container, changes, owners), tarPath, contentsPath }, signal)
}

/** The changes of a container's draft, without mount points that are there only because it runs. */
export async function draftChanges(inner: Inner, container: OpenContainer): Promise<Iterable<Change>> {
  const { draft, lower, tree } = container
  const owners = await currentOwners(container)
  const excluded = [...inner.sandbox.mountPoints, ...tree.mountPoints.map((path) => fromText(path).replace(/^\/+/, ''))]
  const owned =
    lower === undefined
      ? { has: (identity: string) => owners.get(identity)?.device !== undefined }
      : ownedBeyond(owners, lower.owners)
  return draft.changes({ excluded, owned })
}

/** Everything at and below a folder on disk. */
export function treeBelow(root: BytePath): Change[] {
  const nothing = `${root}/.nothing-here`
  return selectChanges(copyCandidates({ root, original: nothing, times: new Map() }), { excluded: [] })
}

/** Changes with the owners that they have in the image. */
export function ownedItems(
  { lower, tree }: OpenContainer,
  changes: Iterable<Change>,
  owners: RecordedOwners,
): Iterable<SealItem> {
  if (lower === undefined) return withDevices(changes, owners)
  if (owners.size === 0) return withOwnersBelow(changes, mergeLayers(tree.layers.map(contentsOf)))
  return withOwners(changes, owners, lower.owners)
}
