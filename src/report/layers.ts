/** What each layer does to the tree below it, and which bytes it hides. OCI image-spec layer.md, "Applying Changesets". */
import { type BytePath, compareTreePaths } from '../core/bytepath.ts'
import type { ContentsList, Entry } from '../oci/contents.ts'
import type { Change, Mark, Waste } from './contract.ts'
import { type Node, findNode, folderAt, newRoot, splitPath, walkNodes } from './layer-tree.ts'

/** What a stack of layers comes to. */
export interface Stack {
  /** By layer, lowest first; each in the order of a tree. */
  readonly changes: readonly (readonly Change[])[]
  /** In the order in which it came about. */
  readonly waste: readonly Waste[]
  /** Of what can be seen in the end. */
  readonly files: number
}

/** Applies contents lists, lowest first. Whiteouts and opaque folders hide only what lower layers have, wherever they stand. */
export function stackLayers(layers: readonly ContentsList[]): Stack {
  const root = newRoot()
  const waste: Waste[] = []
  const changes = layers.map((list, layer) => applyLayer({ root, waste, list, layer }))
  let files = 0
  walkNodes(root, (node) => (files += node.children === undefined ? 1 : 0))
  return { changes, waste, files }
}

interface Applying {
  readonly root: Node
  readonly waste: Waste[]
  readonly list: ContentsList
  readonly layer: number
}

function applyLayer(at: Applying): Change[] {
  const changes = new Map<BytePath, Change>()
  const own = new Map(at.list.filter((entry) => !isMarker(entry)).map((entry) => [entry.path, entry]))
  const hide = (node: Node): number => release(node, own, at)
  // Looked up before anything is hidden: what is deleted and made again in one layer was changed.
  const before = new Map([...own.keys()].map((path) => [path, stateOf(findNode(at.root, path))]))
  for (const entry of at.list) {
    if (!isMarker(entry)) continue
    for (const { path, node } of hiddenBy(entry, at.root)) {
      const size = hide(node)
      if (!own.has(path)) changes.set(path, deletion(path, node, size))
    }
  }
  for (const entry of at.list) {
    if (isMarker(entry)) continue
    place(entry, hide, at)
    changes.set(entry.path, changeOf(entry, before.get(entry.path)))
  }
  return [...changes.values()].sort((a, b) => compareTreePaths(a.path, b.path))
}

function isMarker({ type }: Entry): boolean {
  return type === 'whiteout' || type === 'opaque'
}

/** What was at a path: nothing, or its entry (a folder that no layer lists has none). */
type State = { readonly entry: Entry | undefined; readonly isFolder: boolean } | undefined

function stateOf(node: Node | undefined): State {
  return node && { entry: node.entry, isFolder: node.children !== undefined }
}

/** Takes what a marker hides out of the tree. */
function hiddenBy(marker: Entry, root: Node): { readonly path: BytePath; readonly node: Node }[] {
  if (marker.type === 'opaque') {
    const folder = findNode(root, marker.path)?.children
    if (folder === undefined) return []
    const hidden = [...folder].map(([name, node]) => ({ path: joined(marker.path, name), node }))
    folder.clear()
    return hidden
  }
  const [folder, name] = splitPath(marker.path)
  const siblings = findNode(root, folder)?.children
  const node = siblings?.get(name)
  siblings?.delete(name)
  return node === undefined ? [] : [{ path: marker.path, node }]
}

function joined(folder: BytePath, name: BytePath): BytePath {
  return folder === '' ? name : `${folder}/${name}`
}

/** Notes the bytes that no name shows any more, and returns how many the hidden names showed. */
function release(top: Node, own: ReadonlyMap<BytePath, Entry>, { waste, layer: by }: Applying): number {
  let size = 0
  walkNodes(top, ({ bytes, entry }) => {
    if (bytes === undefined) return
    bytes.names--
    if (bytes.names > 0) return
    size += bytes.size
    if (bytes.size === 0) return
    const again = own.get(bytes.path)
    const isCopy = again?.type === 'file' && again.sha256 !== undefined && again.sha256 === entry?.sha256
    const how = again === undefined ? 'deleted' : isCopy ? 'copied' : 'overwritten'
    waste.push({ path: bytes.path, size: bytes.size, layer: bytes.layer, by, how })
  })
  return size
}

function place(entry: Entry, hide: (node: Node) => number, { root, layer }: Applying): void {
  if (entry.path === '') {
    root.entry = entry
    return
  }
  const [folder, name] = splitPath(entry.path)
  const siblings = folderAt(root, folder, hide).children!
  const old = siblings.get(name)
  if (entry.type === 'dir') {
    if (old?.children !== undefined) {
      old.entry = entry
      return
    }
    if (old !== undefined) hide(old)
    siblings.set(name, { entry, bytes: undefined, children: new Map() })
    return
  }
  const target = entry.type === 'hardlink' && entry.link !== undefined ? findNode(root, entry.link) : undefined
  const bytes = entry.type === 'file' ? { path: entry.path, layer, size: entry.size, names: 0 } : target?.bytes
  // Counted before the old name goes: they may be the same bytes.
  if (bytes !== undefined) bytes.names++
  if (old !== undefined) hide(old)
  const shown = target?.entry === undefined || target.children !== undefined ? entry : target.entry
  siblings.set(name, { entry: shown, bytes, children: undefined })
}

function deletion(path: BytePath, { entry, children }: Node, size: number): Change {
  const { mode = 0o755, uid = 0, gid = 0, link } = entry ?? {}
  const type = children === undefined ? typeOf(entry) : 'dir'
  return { path, mark: 'D', type, mode, uid, gid, size, ...(link !== undefined && { link }) }
}

function changeOf(entry: Entry, before: State): Change {
  const { path, mode, uid, gid, size, link } = entry
  const sameBytes =
    entry.type === 'file' && entry.sha256 !== undefined && before?.entry?.sha256 === entry.sha256 && !before.isFolder
  const optional = { ...(link !== undefined && { link }), ...(sameBytes && { sameBytes }) }
  return { path, mark: markOf(entry, before), type: typeOf(entry), mode, uid, gid, size, ...optional }
}

function typeOf(entry: Entry | undefined): Change['type'] {
  return entry === undefined || entry.type === 'whiteout' || entry.type === 'opaque' ? 'dir' : entry.type
}

/** A folder that is only named again, because of what is in it, has no mark. */
function markOf(entry: Entry, before: State): Mark {
  if (before === undefined) return entry.path === '' ? '' : 'A'
  if (entry.type !== 'dir' || !before.isFolder) return 'C'
  const old = before.entry
  if (old === undefined) return entry.path === '' ? '' : 'C'
  const isSame = old.mode === entry.mode && old.uid === entry.uid && old.gid === entry.gid
  return isSame && sameAttributes(old, entry) ? '' : 'C'
}

function sameAttributes(a: Entry, b: Entry): boolean {
  const names = new Set([...Object.keys(a.xattrs ?? {}), ...Object.keys(b.xattrs ?? {})])
  return [...names].every((name) => a.xattrs?.[name] === b.xattrs?.[name])
}
