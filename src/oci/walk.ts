/** Going through a tree in order, and seeing that files of several names are one. */
import type { BytePath } from '../core/bytepath.ts'
import type { Entry } from './contents.ts'
import type { TreeView } from './tree.ts'

/** The entries below a folder, in tree order. */
export function* walk(tree: TreeView, folder: BytePath): Generator<Entry> {
  for (const name of tree.list(folder)) {
    const path = folder === '' ? name : `${folder}/${name}`
    const entry = tree.lookup(path)
    if (entry === undefined) continue
    yield entry
    if (entry.type === 'dir') yield* walk(tree, path)
  }
}

/** The items with every further name of a file as a hard link to its first one. `identityOf` says which names are one file. */
export function linkedItems<T extends { readonly entry: Entry }>(
  items: readonly T[],
  identityOf: (path: BytePath) => string | undefined,
): (T | { readonly entry: Entry })[] {
  const first = new Map<string, BytePath>()
  return items.map((item) => {
    const { entry } = item
    const identity = entry.type === 'file' ? identityOf(entry.path) : undefined
    if (identity === undefined) return item
    const target = first.get(identity)
    if (target === undefined) {
      first.set(identity, entry.path)
      return item
    }
    const { sha256: _sha, offset: _offset, ...rest } = entry
    return { entry: { ...rest, type: 'hardlink', link: target, size: 0 } }
  })
}
