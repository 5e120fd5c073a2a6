/** The tree that layers add up to, with who made each file and what becomes of its bytes when it is hidden. */
import type { BytePath } from '../core/bytepath.ts'
import type { Entry } from '../oci/contents.ts'

/** The bytes of a regular file; hard links share them. */
export interface Bytes {
  readonly path: BytePath
  readonly layer: number
  readonly size: number
  /** Names that show them. */
  names: number
}

export interface Node {
  entry: Entry | undefined
  bytes: Bytes | undefined
  /** Set for folders. */
  children: Map<BytePath, Node> | undefined
}

/** An empty root. */
export function newRoot(): Node {
  return { entry: undefined, bytes: undefined, children: new Map() }
}

/** What is at a path, no link followed. */
export function findNode(root: Node, path: BytePath): Node | undefined {
  let node: Node | undefined = root
  if (path === '') return node
  for (const name of path.split('/')) node = node?.children?.get(name)
  return node
}

/** The folder at a path; what is missing, or is no folder, becomes one. What was there instead goes to `drop`. */
export function folderAt(root: Node, path: BytePath, drop: (node: Node) => void): Node {
  let node = root
  if (path === '') return node
  for (const name of path.split('/')) {
    const children: Map<BytePath, Node> = node.children!
    let child: Node | undefined = children.get(name)
    if (child?.children === undefined) {
      if (child !== undefined) drop(child)
      child = newRoot()
      children.set(name, child)
    }
    node = child
  }
  return node
}

/** Calls `visit` for a node and all below it. Not by recursion: trees may be deeper than the stack. */
export function walkNodes(top: Node, visit: (node: Node) => void): void {
  const pending = [top]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    visit(node)
    for (const child of node.children?.values() ?? []) pending.push(child)
  }
}

/** Folder and name of a path. */
export function splitPath(path: BytePath): readonly [folder: BytePath, name: BytePath] {
  const slash = path.lastIndexOf('/')
  return [path.slice(0, Math.max(0, slash)), path.slice(slash + 1)]
}
