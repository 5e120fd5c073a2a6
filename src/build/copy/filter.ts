/** What of a source folder is copied: --parents includes by pattern, --exclude leaves out; fsutil's rules. */
import type { BytePath } from '../../core/bytepath.ts'
import type { FolderMatch, IgnoreMatcher } from '../../dockerfile/ignore.ts'
import type { Entry } from '../../oci/contents.ts'
import type { TreeView } from '../../oci/tree.ts'
import { join } from './paths.ts'

/** Patterns relative to the folder; without them everything is copied. */
export interface CopyFilter {
  /** Only what these match, and what lies below it. */
  readonly include?: IgnoreMatcher
  readonly exclude?: IgnoreMatcher
}

/** Something that is copied. */
export interface Picked {
  /** As it is in the source tree. */
  readonly entry: Entry
  /** Path from the folder on. */
  readonly relative: BytePath
  /** False for a folder that was not picked itself, but leads to something that was. */
  readonly own: boolean
}

interface Parent {
  readonly include?: FolderMatch
  readonly exclude?: FolderMatch
}

/** What is picked below a folder, folders before what they hold. */
export function pickBelow(tree: TreeView, folder: BytePath, filter: CopyFilter): Picked[] {
  const below = (path: BytePath, relative: BytePath, parent: Parent | undefined): Picked[] =>
    tree.list(path).flatMap((name) => {
      const entry = tree.lookup(join(path, name))
      return entry === undefined ? [] : pick(entry, join(relative, name), parent)
    })
  const pick = (entry: Entry, relative: BytePath, parent: Parent | undefined): Picked[] => {
    const match: Parent = {
      include: filter.include?.match(relative, parent?.include),
      exclude: filter.exclude?.match(relative, parent?.exclude),
    }
    const own = (match.include?.ignored ?? true) && !(match.exclude?.ignored ?? false)
    if (entry.type !== 'dir') return own ? [{ entry, relative, own }] : []
    if (match.exclude !== undefined && filter.exclude?.canPruneDirectory(relative, match.exclude) === true) return []
    const held = below(entry.path, relative, match)
    return own || held.length > 0 ? [{ entry, relative, own }, ...held] : []
  }
  return below(folder, '', undefined)
}
