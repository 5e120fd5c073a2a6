/**
 * Where copied files go, as entries of a layer: the one algorithm behind COPY and ADD. Pure: it looks at trees and makes data.
 * The rules are those of BuildKit's fsutil copy, which differ from `cp` in what happens to folders that exist.
 */
import { type BytePath, compareTreePaths } from '../../core/bytepath.ts'
import type { FileMode } from '../../dockerfile/file-mode.ts'
import type { Entry } from '../../oci/contents.ts'
import type { TreeView } from '../../oci/tree.ts'
import { ancestorsOf } from './ancestors.ts'
import { type Draft, createDrafts } from './drafts.ts'
import type { CopyFilter } from './filter.ts'
import { copySelected } from './place-tree.ts'
import { unpackEntries } from './place-archive.ts'
import type { Selected } from './select.ts'

/** A user and a group, by number. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** What holds for all sources of one COPY. */
export interface PlaceOptions {
  /** Absolute; a trailing slash means a folder. Links are followed inside the destination's root. */
  readonly destination: BytePath
  /** --chown; undefined keeps the owners of the sources. */
  readonly owner?: Owner
  /** --chmod. */
  readonly chmod?: FileMode
  /** Time of folders that have no source, in nanoseconds. */
  readonly now: bigint
}

/** A tree to copy from. */
export interface PlaceSource<T> {
  readonly tree: TreeView
  /** What to remember of a file, so that its bytes can be found. */
  origin(path: BytePath): T
  /** Equal for hard links to one file; undefined if that cannot be told. */
  identity?(path: BytePath): string | undefined
}

/** An entry of the layer to be, and where its bytes come from. */
export interface Placed<T> {
  readonly entry: Entry
  readonly origin?: T
}

/** Collects what is copied into a destination tree. */
export interface Placer<T> {
  /** Copies one selected file or folder (of its contents, what the filter leaves). @throws WherryError `copy-failed` */
  copy(source: PlaceSource<T>, selected: Selected, filter?: CopyFilter): void
  /** Unpacks an archive's entries into the destination folder. @throws WherryError `copy-failed`, `archive-invalid` */
  unpack(entries: readonly Entry[], origin: (entry: Entry) => T): void
  /** Everything, folders before what they hold, and the folders above as they were. */
  placed(): Placed<T>[]
}

/** A placer over a destination tree. */
export function createPlacer<T>(below: TreeView, options: PlaceOptions): Placer<T> {
  const drafts = createDrafts<T>(below)
  let calls = 0
  return {
    copy: (source, selected, filter = {}) => copySelected(drafts, { source, selected, filter, options, call: ++calls }),
    unpack: (entries, origin) => unpackEntries(drafts, { entries, origin, options, call: ++calls }),
    placed() {
      const all = drafts.all()
      const paths = new Set(all.map(({ entry }) => entry.path))
      for (const entry of ancestorsOf(paths, below)) if (!paths.has(entry.path)) all.push({ entry })
      return linkTwins(all.sort((a, b) => compareTreePaths(a.entry.path, b.entry.path)))
    },
  }
}

/** Files of one identity become one file and hard links to it; the first name in tree order is the file. */
function linkTwins<T>(drafts: readonly Draft<T>[]): Placed<T>[] {
  const first = new Map<string, BytePath>()
  return drafts.map(({ entry, origin, identity }) => {
    if (identity === undefined) return { entry, origin }
    const twin = first.get(identity)
    if (twin === undefined) {
      first.set(identity, entry.path)
      return { entry, origin }
    }
    const link = { type: 'hardlink', size: 0, link: twin, sha256: undefined, offset: undefined } as const
    return { entry: { ...entry, ...link } }
  })
}
