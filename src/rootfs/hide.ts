/**
 * Whiteouts and opaque folders in the two forms that a draft can have. In both they hide only what lower layers have: what the same
 * layer brings stays, whichever comes first in the archive (OCI image-spec, layer.md, "Whiteouts").
 */
import type { BytePath } from '../core/bytepath.ts'
import type { Entry } from '../oci/contents.ts'
import { lstatIfThere, namesIn, onDisk, parentOf } from './disk.ts'
import { type DraftTree, type FolderSource, draftTree } from './draft-tree.ts'
import { type Found, type Stack, lowerTree } from './lower.ts'
import { entryOnDisk, setOpaque } from './metadata.ts'
import { makeWhiteout } from './nodes.ts'

/** A draft and its lower layers, whatever the form. */
export interface HidingTree {
  readonly tree: DraftTree
  /** Notes that the layer brings something at this path. */
  bring(path: BytePath): void
  /** Hides what lower layers have at a path. */
  whiteout(path: BytePath): void
  /** Hides what lower layers have below a folder. */
  opaque(path: BytePath): void
  /** Leaves nothing at a path, for what cannot be made on disk. */
  blank(path: BytePath): void
  /** What lower layers that are not in the draft itself have at a path. */
  below(path: BytePath): Found | undefined
}

/** An upper directory over the layers at `lowers` (topmost first), with overlayfs's own marks. */
export function overlayTree(root: BytePath, lowers: Stack, owners: boolean): HidingTree {
  const lower = lowerTree(lowers)
  const source: FolderSource = {
    inherit(path): Entry | undefined {
      const found = lower.lookup(path)
      return found?.stat.isDirectory() === true ? entryOnDisk(path, found.disk, found.stat) : undefined
    },
    cutOff,
  }
  const tree = draftTree(root, owners, source)

  function cutOff(path: BytePath): void {
    setOpaque(onDisk(root, path))
    lower.hide(path)
  }
  function mark(path: BytePath): void {
    tree.ensureFolder(parentOf(path))
    makeWhiteout(onDisk(root, path))
    lower.hide(path)
  }
  const hiding: HidingTree = {
    tree,
    bring: () => undefined,
    whiteout(path) {
      if (lower.lookup(path) === undefined || tree.isObstructed(parentOf(path))) return
      const stat = lstatIfThere(onDisk(root, path))
      if (stat === undefined) mark(path)
      else if (stat.isDirectory()) cutOff(path)
    },
    opaque(path) {
      if (path === '') {
        // Overlayfs does not look at the mark on the root itself.
        for (const layer of lowers) for (const name of namesIn(layer)) hiding.whiteout(name)
        return
      }
      if (lower.lookup(path)?.stat.isDirectory() !== true || tree.isObstructed(path)) return
      tree.ensureFolder(path)
      cutOff(path)
    },
    blank(path) {
      tree.remove(path)
      if (lower.lookup(path) !== undefined) mark(path)
    },
    below: (path) => lower.lookup(path),
  }
  return hiding
}

/** A plain tree that holds the lower layers' files itself. */
export function plainTree(root: BytePath, owners: boolean): HidingTree {
  const tree = draftTree(root, owners, { inherit: () => undefined, cutOff: () => undefined })
  /** Paths that this layer brought, and the folders above them. */
  const brought = new Set<BytePath>()

  function removeOld(path: BytePath): void {
    const stat = lstatIfThere(onDisk(root, path))
    if (stat === undefined) return
    if (!brought.has(path)) tree.remove(path)
    else if (stat.isDirectory()) emptyOld(path)
  }
  function emptyOld(path: BytePath): void {
    for (const name of namesIn(onDisk(root, path))) removeOld(path === '' ? name : `${path}/${name}`)
  }
  return {
    tree,
    bring(path) {
      for (let p = path; p !== '' && !brought.has(p); p = parentOf(p)) brought.add(p)
    },
    whiteout(path) {
      if (tree.isFolder(parentOf(path))) removeOld(path)
    },
    opaque(path) {
      if (tree.isFolder(path)) emptyOld(path)
    },
    blank: (path) => tree.remove(path),
    below: () => undefined,
  }
}
