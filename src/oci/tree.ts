/** A file tree as data: what COPY, path resolution and diffs look at, whatever is behind it. */
import type { BytePath } from '../core/bytepath.ts'
import type { Entry } from './contents.ts'

/** Read access to a tree by path. Paths as in `Entry.path`; the root '' is always a folder. */
export interface TreeView {
  /** The entry at exactly this path, no link followed; never a whiteout or opaque. Undefined if there is none. */
  lookup(path: BytePath): Entry | undefined
  /** Names in a folder, sorted by bytes; empty if it is none. */
  list(path: BytePath): readonly BytePath[]
}
