/** The context as a tree: folders are read when they are first asked for, ignored ones only if something in them is brought back. */
import type { BytePath } from '../../core/bytepath.ts'
import type { FolderMatch, IgnoreMatcher } from '../../dockerfile/ignore.ts'
import type { Entry } from '../../oci/contents.ts'
import type { TreeView } from '../../oci/tree.ts'
import { type DiskFile, namesIn, readDisk } from './disk.ts'

/** A view of the context that also knows what is behind its entries. */
export interface ContextTree extends TreeView {
  /** The file at a path, or undefined. */
  file(path: BytePath): DiskFile | undefined
}

interface Folder {
  readonly names: readonly BytePath[]
  /** Results of the ignore patterns for the folders in it. */
  readonly matches: ReadonlyMap<BytePath, FolderMatch>
}

const noFolder: Folder = { names: [], matches: new Map() }

const rootEntry: Entry = { path: '', type: 'dir', mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0n }

/** The tree of the folder `root` (an absolute path), without what `ignore` excludes. */
export function createContextTree(root: BytePath, ignore: IgnoreMatcher): ContextTree {
  const folders = new Map<BytePath, Folder>()
  const files = new Map<BytePath, DiskFile>()
  const base = root === '/' ? '' : root

  const folder = (path: BytePath): Folder => {
    const known = folders.get(path)
    if (known !== undefined) return known
    const { parent, name } = split(path)
    const above = path === '' ? undefined : folder(parent)
    // Links are not followed here: whoever resolves a path does that within the tree.
    const isFolder = above === undefined || files.get(path)?.entry.type === 'dir'
    const made = isFolder ? read(path, above?.matches.get(name)) : noFolder
    folders.set(path, made)
    return made
  }

  const read = (path: BytePath, match: FolderMatch | undefined): Folder => {
    const names: BytePath[] = []
    const matches = new Map<BytePath, FolderMatch>()
    const prefix = path === '' ? '' : `${path}/`
    for (const name of namesIn(path === '' ? root : `${base}/${path}`)) {
      const at = prefix + name
      const result = ignore.patterns.length === 0 ? undefined : ignore.match(at, match)
      if (result?.ignored && ignore.canPruneDirectory(at, result)) continue
      const file = readDisk(`${base}/${at}`, at)
      const isFolder = file?.entry.type === 'dir'
      if (file === undefined || (result?.ignored && !(isFolder && holdsAnything(at, result)))) continue
      names.push(name)
      files.set(at, file)
      if (isFolder && result !== undefined) matches.set(name, result)
    }
    return { names, matches }
  }

  /** An ignored folder is there only for the sake of what is brought back in it. */
  const holdsAnything = (path: BytePath, match: FolderMatch): boolean => {
    const made = read(path, match)
    folders.set(path, made)
    return made.names.length > 0
  }

  const file = (path: BytePath): DiskFile | undefined => {
    const known = files.get(path)
    if (known !== undefined || path === '') return known
    folder(split(path).parent)
    return files.get(path)
  }

  return {
    file,
    lookup: (path) => (path === '' ? rootEntry : file(path)?.entry),
    list: (path) => folder(path).names,
  }
}

function split(path: BytePath): { parent: BytePath; name: BytePath } {
  const slash = path.lastIndexOf('/')
  return { parent: path.slice(0, Math.max(slash, 0)), name: path.slice(slash + 1) }
}
