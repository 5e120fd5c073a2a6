/** The folders above what a layer adds, as they were: a layer must name them. */
import type { BytePath } from '../../core/bytepath.ts'
import type { Entry } from '../../oci/contents.ts'
import type { TreeView } from '../../oci/tree.ts'
import { parentOf } from './paths.ts'

/**
 * Entries of the folders above `paths` that the tree has, innermost first, each once and without the root. Whoever unpacks a layer by itself
 * (docker's overlay2 driver does) would otherwise make up their owner and mode.
 */
export function ancestorsOf(paths: Iterable<BytePath>, tree: TreeView): Entry[] {
  const seen = new Map<BytePath, Entry | undefined>()
  for (const path of paths) {
    for (let folder = parentOf(path); folder !== '' && !seen.has(folder); folder = parentOf(folder)) {
      seen.set(folder, tree.lookup(folder))
    }
  }
  return [...seen.values()].filter((entry) => entry !== undefined)
}
