/** Entries that are one file by several names, as hard links again. */
import type { BytePath } from '../core/bytepath.ts'
import type { SealItem } from '../layer/contract.ts'

/** The items with every further name of a file as a hard link to its first one. `identityOf` says which names are one file. */
export function linkedItems(
  items: readonly SealItem[],
  identityOf: (path: BytePath) => string | undefined,
): SealItem[] {
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
