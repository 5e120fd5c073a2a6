/** The folder that a layer is applied to: it knows which parts of it are real folders, so that no link is ever followed. */
import { lstatSync, mkdirSync } from 'node:fs'
import { type BytePath, toBytes } from '../core/bytepath.ts'
import { errnoOf } from '../core/errors.ts'
import type { Entry } from '../oci/contents.ts'
import { lstatIfThere, onDisk, parentOf, removeTree } from './disk.ts'
import { setMetadata, setTime } from './metadata.ts'

/** What a folder in the draft has from elsewhere. */
export interface FolderSource {
  /** The folder that lower layers have at a path, for the metadata of a parent that the layer does not describe. */
  inherit(path: BytePath): Entry | undefined
  /** A folder took the place of something else: nothing of lower layers may show in it. */
  cutOff(path: BytePath): void
}

/** The tree at `root`, private to its maker while a layer is applied. */
export interface DraftTree {
  readonly root: BytePath
  readonly owners: boolean
  /** Makes sure that `path` is a real folder; what is no folder on the way is replaced. */
  ensureFolder(path: BytePath): void
  /** Makes `path`, whose parent is real, a folder with the metadata of `entry`. */
  putFolder(entry: Entry): void
  /** True if `path` is a real folder, reached through real folders. */
  isFolder(path: BytePath): boolean
  /** True if something that is no folder stands at `path` or above it. */
  isObstructed(path: BytePath): boolean
  /** Runs `create` for `path`, whose parent is real; if something is in the way it is removed first. True if so. */
  put(path: BytePath, create: () => void): boolean
  /** Deletes what is at `path`, whose parent is real. */
  remove(path: BytePath): void
  /** Gives every folder that was touched the time that it must have. */
  finish(): void
}

/** Takes hold of the tree at `root` on disk. */
export function draftTree(root: BytePath, owners: boolean, source: FolderSource): DraftTree {
  /** Known real folders, with the time (ns) that each must have in the end. */
  const folders = new Map<BytePath, bigint>()

  function make(path: BytePath): void {
    const disk = onDisk(root, path)
    if (tree.put(path, () => mkdirSync(toBytes(disk), 0o700))) source.cutOff(path)
  }
  function mark(path: BytePath): boolean {
    const stat = lstatIfThere(onDisk(root, path))
    if (stat?.isDirectory() !== true) return false
    folders.set(path, stat.mtimeNs)
    return true
  }
  const tree: DraftTree = {
    root,
    owners,
    ensureFolder(path) {
      if (folders.has(path)) return
      if (path !== '') tree.ensureFolder(parentOf(path))
      if (mark(path)) return
      const inherited = lstatIfThere(onDisk(root, path)) === undefined ? source.inherit(path) : undefined
      make(path)
      const disk = onDisk(root, path)
      const plain = { type: 'dir', mode: 0o755, uid: 0, gid: 0 } as const
      setMetadata(disk, inherited ?? plain, owners)
      folders.set(path, inherited?.mtime ?? lstatSync(toBytes(disk), { bigint: true }).mtimeNs)
    },
    putFolder(entry) {
      const { path } = entry
      if (!folders.has(path) && !mark(path)) make(path)
      setMetadata(onDisk(root, path), entry, owners)
      folders.set(path, entry.mtime)
    },
    isFolder(path) {
      if (folders.has(path)) return true
      if (path !== '' && !tree.isFolder(parentOf(path))) return false
      return mark(path)
    },
    isObstructed(path) {
      if (path === '' || folders.has(path)) return false
      if (tree.isObstructed(parentOf(path))) return true
      const stat = lstatIfThere(onDisk(root, path))
      return stat !== undefined && !stat.isDirectory()
    },
    put(path, create) {
      try {
        create()
        return false
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error
      }
      tree.remove(path)
      create()
      return true
    },
    remove(path) {
      removeTree(onDisk(root, path))
      if (!folders.has(path)) return
      for (const known of folders.keys()) if (known === path || known.startsWith(`${path}/`)) folders.delete(known)
    },
    finish() {
      for (const [path, mtime] of folders) setTime(onDisk(root, path), mtime)
    },
  }
  return tree
}
