/** A whole merged tree as items with their bytes, folders before what they hold. */
import type { BytePath } from '../core/bytepath.ts'
import type { Digest } from '../core/digest.ts'
import type { SealItem } from '../layer/contract.ts'
import type { Entry } from '../oci/contents.ts'
import type { TreeView } from '../oci/tree.ts'
import { linkedItems, walk } from '../oci/walk.ts'
import type { LayerAccess } from './layer-access.ts'

/** Every entry of a stack's merged tree; further names of a file are hard links. */
export async function treeItems(
  layers: Pick<LayerAccess, 'tree' | 'locate'>,
  diffIds: readonly Digest[],
): Promise<SealItem[]> {
  const tree = await layers.tree(diffIds)
  const entries = [...walk(tree, '')]
  const files = entries.filter((e) => e.type === 'file').map((e) => e.path)
  const locations = await layers.locate(diffIds, files)
  const items = entries.map((entry) => ({ entry, source: locations.get(entry.path) }))
  return linkedItems(items, (path) => {
    const offset = tree.lookup(path)?.offset
    return offset === undefined ? undefined : `${tree.layerOf(path)}:${offset}`
  })
}

/** An entry and what is below it, with paths from itself on, so that the place in the source does not count. */
export function* subtree(tree: TreeView, root: BytePath): Generator<Entry> {
  const own = tree.lookup(root)
  if (own !== undefined) yield { ...own, path: '' }
  if (root !== '' && own?.type !== 'dir') return
  for (const entry of walk(tree, root))
    yield { ...entry, path: root === '' ? entry.path : entry.path.slice(root.length + 1) }
}
