/** Layers put on top of each other: what a stack of contents lists amounts to as one tree. OCI image-spec layer.md, "Applying Changesets". */
import type { BytePath } from '../core/bytepath.ts'
import { compareBytePaths } from '../core/bytepath.ts'
import type { ContentsList, Entry } from './contents.ts'
import type { TreeView } from './tree.ts'

/** A tree that knows where its entries come from. */
export interface MergedTree extends TreeView {
  /** Index of the layer in which the entry (for a hard link: the file that it names) stands; undefined if there is none, or it is implied. */
  layerOf(path: BytePath): number | undefined
}

interface Node {
  entry: Entry
  layer: number | undefined
  /** Set for folders. */
  children: Map<BytePath, Node> | undefined
  /** Sorted names of `children`, once asked for. */
  names: readonly BytePath[] | undefined
}

/**
 * Merges layers, lowest first. Whiteouts and opaque folders hide only what lower layers have, whatever their place in the
 * list. A folder over a folder keeps its contents and takes the new metadata; any other replacement drops what was below.
 * Hard links come out as files with their own path and the metadata, bytes and layer of what they name.
 */
export function mergeLayers(layers: readonly ContentsList[]): MergedTree {
  const root: Node = folder(impliedFolder(''), undefined)
  layers.forEach((list, layer) => {
    hide(root, list)
    for (const entry of list) {
      if (entry.type !== 'whiteout' && entry.type !== 'opaque') place(root, entry, layer)
    }
  })
  return {
    lookup: (path) => find(root, path)?.entry,
    layerOf: (path) => find(root, path)?.layer,
    list: (path) => {
      const node = find(root, path)
      if (node?.children === undefined) return []
      return (node.names ??= [...node.children.keys()].sort(compareBytePaths))
    },
  }
}

/** First all that a layer deletes, then what it adds: an opaque marker may stand after additions to its folder. */
function hide(root: Node, list: ContentsList): void {
  for (const { type, path } of list) {
    if (type === 'opaque') {
      const node = find(root, path)
      if (node?.children === undefined) continue
      node.children.clear()
      node.names = undefined
    } else if (type === 'whiteout') {
      const parent = find(root, parentOf(path))
      if (parent?.children?.delete(baseOf(path))) parent.names = undefined
    }
  }
}

function place(root: Node, entry: Entry, layer: number): void {
  if (entry.path === '') {
    if (entry.type === 'dir') Object.assign(root, { entry, layer })
    return
  }
  const parent = folderAt(root, parentOf(entry.path))
  const name = baseOf(entry.path)
  const old = parent.children.get(name)
  if (old === undefined) parent.names = undefined
  if (entry.type === 'dir') {
    if (old?.children === undefined) parent.children.set(name, folder(entry, layer))
    else Object.assign(old, { entry, layer })
    return
  }
  parent.children.set(name, leaf(root, entry, layer))
}

function leaf(root: Node, entry: Entry, layer: number): Node {
  const target = entry.type === 'hardlink' && entry.link !== undefined ? find(root, entry.link) : undefined
  if (target === undefined || target.children !== undefined)
    return { entry, layer, children: undefined, names: undefined }
  return { entry: { ...target.entry, path: entry.path }, layer: target.layer, children: undefined, names: undefined }
}

type Folder = Node & { children: Map<BytePath, Node> }

/** The folder at a path, made (and put over what is no folder) where it is only implied by what lies below it. */
function folderAt(root: Node, path: BytePath): Folder {
  let node = root as Folder
  for (let at = 0; at < path.length; ) {
    const slash = path.indexOf('/', at)
    const end = slash < 0 ? path.length : slash
    const name = path.slice(at, end)
    let child = node.children.get(name)
    if (child?.children === undefined) {
      child = folder(impliedFolder(path.slice(0, end)), undefined)
      node.children.set(name, child)
      node.names = undefined
    }
    node = child as Folder
    at = end + 1
  }
  return node
}

function find(root: Node, path: BytePath): Node | undefined {
  let node: Node | undefined = root
  for (let at = 0; at < path.length && node !== undefined; ) {
    const slash = path.indexOf('/', at)
    const end = slash < 0 ? path.length : slash
    node = node.children?.get(path.slice(at, end))
    at = end + 1
  }
  return node
}

function folder(entry: Entry, layer: number | undefined): Folder {
  return { entry, layer, children: new Map(), names: undefined }
}

/** A folder that no layer lists: as an unpacker makes it. */
function impliedFolder(path: BytePath): Entry {
  return { path, type: 'dir', mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0n }
}

function parentOf(path: BytePath): BytePath {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

function baseOf(path: BytePath): BytePath {
  return path.slice(path.lastIndexOf('/') + 1)
}
