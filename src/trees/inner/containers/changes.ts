/** What a container has changed, as docker tells it. */
import { type BytePath, fromText } from '../../../core/bytepath.ts'
import type { Change } from '../../../rootfs/contract.ts'
import { lstatIfThere, namesIn, onDisk } from '../../../rootfs/disk.ts'
import type { TreeChange } from '../../container-contract.ts'
import type { Inner } from '../state.ts'
import type { OpenContainer } from './open.ts'
import { draftChanges } from './seal.ts'

/** Serves `ContainerTrees.changes`: sorted by path. */
export async function changesOf(inner: Inner, container: OpenContainer): Promise<TreeChange[]> {
  const changes = [...(await draftChanges(inner, container))]
  const emptied = changes.filter(({ entry }) => entry.type === 'opaque').map(({ entry }) => entry.path)
  const gone = emptied.length === 0 ? [] : await deletedIn(inner, container, emptied)
  const told = changes.flatMap((change) => tell(change) ?? [])
  return [...told, ...gone].sort((a, b) => (a.path < b.path ? -1 : Number(a.path > b.path)))
}

function tell({ entry: { path, type }, fresh }: Change): TreeChange | undefined {
  if (path === '' || type === 'opaque') return undefined
  return { kind: type === 'whiteout' ? 'D' : fresh ? 'A' : 'C', path: `/${path}` }
}

/** What the image has in folders that were replaced, and the container has not. */
async function deletedIn(
  inner: Inner,
  { draft, root }: OpenContainer,
  folders: readonly BytePath[],
): Promise<TreeChange[]> {
  const before = await inner.snapshots.view(draft.parents)
  try {
    const now = fromText(root)
    return folders.flatMap((folder) =>
      namesIn(onDisk(fromText(before.path), folder))
        .map((name) => `${folder}/${name}`)
        .filter((path) => lstatIfThere(onDisk(now, path)) === undefined)
        .map((path) => ({ kind: 'D' as const, path: `/${path}` })),
    )
  } finally {
    await before.unmount()
  }
}
