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
  /** Sets the content hash of a regular file; later look-ups show it. */
  setHash(path: BytePath, sha256: string): void
}

interface Folder {
  readonly names: readonly BytePath[]
  readonly files: ReadonlyMap<BytePath, DiskFile>
  /** Results of the ignore patterns for the folders in it. */
  readonly matches: ReadonlyMap<BytePath, FolderMatch>
}

const noFolder: Folder = { names: [], files: new Map(), matches: new Map() }

const rootEntry: Entry = { path: '', type: 'dir', mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0n }

/** The tree of the folder `root` (an absolute path), without what `ignore` excludes. */
export function createContextTree(root: BytePath, ignore: IgnoreMatcher): ContextTree {
  const folders = new Map<BytePath, Folder>()
  const hashed = new Map<BytePath, Entry>()
  const base = root === '/' ? '' : root

  const folder = (path: BytePath): Folder => {
    const known = folders.get(path)
    if (known !== undefined) return known
    const { parent, name } = split(path)
    const above = path === '' ? undefined : folder(parent)
    // Links are not followed here: whoever resolves a path does that within the tree.
    const isFolder = above === undefined || above.files.get(name)?.entry.type === 'dir'
    const made = isFolder ? read(path, above?.matches.get(name)) : noFolder
    folders.set(path, made)
    return made
  }

  const read = (path: BytePath, match: FolderMatch | undefined): Folder => {
    const names: BytePath[] = []
    const files = new Map<BytePath, DiskFile>()
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
      files.set(name, file)
      if (isFolder && result !== undefined) matches.set(name, result)
    }
    return { names, files, matches }
  }

  /** An ignored folder is there only for the sake of what is brought back in it. */
  const holdsAnything = (path: BytePath, match: FolderMatch): boolean => {
    const made = read(path, match)
    folders.set(path, made)
    return made.names.length > 0
  }

  const file = (path: BytePath): DiskFile | undefined => {
    const { parent, name } = split(path)
    return path === '' ? undefined : folder(parent).files.get(name)
  }

  return {
    file,
    lookup: (path) => (path === '' ? rootEntry : (hashed.get(path) ?? file(path)?.entry)),
    list: (path) => folder(path).names,
    setHash(path, sha256) {
      const entry = file(path)?.entry
      if (entry?.type === 'file') hashed.set(path, { ...entry, sha256 })
    },
  }
}

function split(path: BytePath): { parent: BytePath; name: BytePath } {
  const slash = path.lastIndexOf('/')
  return { parent: path.slice(0, Math.max(slash, 0)), name: path.slice(slash + 1) }
}
