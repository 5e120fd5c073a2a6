/** The files of all layers as one tree to walk: what is open, what a search leaves, and the lines to show. Runs in the page. */
import type { PageLayer } from './page-data.ts'

/** A line that can be seen. */
export interface TreeLine {
  /** Names it for as long as the tree lives. */
  readonly node: number
  /** From 1, as ARIA counts. */
  readonly level: number
  readonly position: number
  readonly siblings: number
  /** Undefined for what has nothing below it. */
  readonly isOpen: boolean | undefined
}

/** What is known of a node. */
export interface TreeNode {
  /** Index of its layer. */
  readonly layer: number
  /** Index of its row in the layer; undefined for the layer itself. */
  readonly row: number | undefined
}

/** What is searched for. */
export interface TreeFilter {
  readonly text: string
  /** Marks to show, of `ACD`; all with '' . */
  readonly marks: string
}

export interface FileTree {
  /** What can be seen, after the last change. */
  lines(): readonly TreeLine[]
  nodeOf(node: number): TreeNode
  pathOf(node: number): string
  /** The node of a layer, or of a path in it; undefined if there is none. */
  find(layer: number, path?: string): number | undefined
  parentOf(node: number): number | undefined
  /** Opens or closes a node; opening goes on through folders that hold one thing only. */
  set(node: number, isOpen: boolean): void
  /** Opens all that `node` is in. */
  reveal(node: number): void
  /** Closes everything. */
  closeAll(): void
  /** What is in a folder comes by name, as the layer has it, or the largest first. */
  order(by: 'name' | 'size'): void
  /** Shows only what fits, opened so that it is seen; returns how many fit. */
  filter(by: TreeFilter): number
}

/** Builds the tree; layers are its first level. */
export function fileTree(layers: readonly PageLayer[]): FileTree {
  const flat = flatten(layers)
  const { parents, ends, layerOf, rowOf } = flat
  const open = new Uint8Array(ends.length)
  let kept: Uint8Array | undefined
  let shown: TreeLine[] | undefined
  let isBySize = false
  const change = (node: number, isOpen: boolean): void => {
    open[node] = isOpen ? 1 : 0
    shown = undefined
  }
  const hasInner = (node: number): boolean => {
    if (kept === undefined) return ends[node]! > node + 1
    for (let at = node + 1; at < ends[node]!; at = ends[at]!) if (kept[at] === 1) return true
    return false
  }
  const sizeOf = (node: number): number => layers[layerOf[node]!]!.sizes[rowOf[node]!] ?? 0
  const tree: FileTree = {
    lines: () => (shown ??= visibleLines({ ...flat, open, kept, hasInner, ...(isBySize && { sizeOf }) })),
    nodeOf: (node) => ({ layer: layerOf[node]!, row: rowOf[node] === -1 ? undefined : rowOf[node]! }),
    pathOf: (node) => pathOf(node, flat, layers),
    find: (layer, path) => findNode({ layer, path }, flat, layers),
    parentOf: (node) => (parents[node] === -1 ? undefined : parents[node]),
    set(node, isOpen) {
      change(node, isOpen)
      if (!isOpen) return
      let at = node + 1
      while (at < ends[node]! && ends[at] === ends[at - 1] && ends[at]! > at + 1) change(at++, true)
    },
    reveal(node) {
      for (let at = parents[node]!; at >= 0; at = parents[at]!) change(at, true)
    },
    closeAll() {
      open.fill(0)
      shown = undefined
    },
    order(by) {
      isBySize = by === 'size'
      shown = undefined
    },
    filter(by) {
      shown = undefined
      if (by.text === '' && by.marks === '') {
        kept = undefined
        return 0
      }
      open.fill(0)
      kept = new Uint8Array(ends.length)
      return keepFitting({ by, kept, open, flat, layers })
    },
  }
  return tree
}

/** The nodes in the order of the tree, by their numbers. */
interface Flat {
  /** -1 for a layer. */
  readonly parents: Int32Array
  /** The first node that is not below it. */
  readonly ends: Int32Array
  readonly layerOf: Int32Array
  /** -1 for a layer. */
  readonly rowOf: Int32Array
}

function flatten(layers: readonly PageLayer[]): Flat {
  const count = layers.reduce((sum, { names }) => sum + names.length + 1, 0)
  const make = (): Int32Array => new Int32Array(count)
  const flat = { parents: make(), ends: make(), layerOf: make(), rowOf: make() }
  let next = 0
  layers.forEach((layer, index) => {
    const top = next++
    flat.parents[top] = -1
    flat.layerOf[top] = index
    flat.rowOf[top] = -1
    const above = [top]
    layer.names.forEach((_, row) => {
      const node = next++
      const depth = layer.depths[row]!
      flat.parents[node] = above[depth]!
      flat.layerOf[node] = index
      flat.rowOf[node] = row
      above[depth + 1] = node
      above.length = depth + 2
    })
  })
  for (let node = count - 1; node >= 0; node--) {
    const end = Math.max(flat.ends[node]!, node + 1)
    flat.ends[node] = end
    const parent = flat.parents[node]!
    if (parent >= 0) flat.ends[parent] = Math.max(flat.ends[parent]!, end)
  }
  return flat
}

interface Visible extends Flat {
  readonly open: Uint8Array
  readonly kept: Uint8Array | undefined
  readonly hasInner: (node: number) => boolean
  /** Given if the largest comes first. */
  readonly sizeOf?: (node: number) => number
}

function visibleLines({ ends, open, kept, hasInner, sizeOf }: Visible): TreeLine[] {
  const inner = (first: number, end: number): number[] => {
    const nodes: number[] = []
    for (let node = first; node < end; node = ends[node]!) if (kept?.[node] !== 0) nodes.push(node)
    return nodes
  }
  const lines: TreeLine[] = []
  // Not by recursion: folders may be deeper than the stack.
  const pending: TreeLine[] = []
  const enter = (nodes: readonly number[], level: number): void => {
    for (let i = nodes.length - 1; i >= 0; i--) {
      const node = nodes[i]!
      const isOpen = hasInner(node) ? open[node] === 1 : undefined
      pending.push({ node, level, position: i + 1, siblings: nodes.length, isOpen })
    }
  }
  enter(inner(0, ends.length), 1)
  for (let line = pending.pop(); line !== undefined; line = pending.pop()) {
    lines.push(line)
    if (line.isOpen !== true) continue
    const nodes = inner(line.node + 1, ends[line.node]!)
    if (sizeOf !== undefined) nodes.sort((a, b) => sizeOf(b) - sizeOf(a))
    enter(nodes, line.level + 1)
  }
  return lines
}

function pathOf(node: number, { parents, layerOf, rowOf }: Flat, layers: readonly PageLayer[]): string {
  const names: string[] = []
  for (let at = node; at >= 0 && rowOf[at]! >= 0; at = parents[at]!)
    names.push(layers[layerOf[at]!]!.names[rowOf[at]!]!)
  return names.reverse().join('/')
}

function findNode(
  { layer, path = '' }: { readonly layer: number; readonly path: string | undefined },
  { ends, layerOf, rowOf }: Flat,
  layers: readonly PageLayer[],
): number | undefined {
  let node = layerOf.indexOf(layer)
  if (node < 0) return undefined
  const { names } = layers[layer]!
  for (const part of path === '' ? [] : path.split('/')) {
    const end = ends[node]!
    let at = node + 1
    while (at < end && names[rowOf[at]!] !== part) at = ends[at]!
    if (at >= end) return undefined
    node = at
  }
  return node
}

interface Keeping {
  readonly by: TreeFilter
  readonly kept: Uint8Array
  readonly open: Uint8Array
  readonly flat: Flat
  readonly layers: readonly PageLayer[]
}

/** What fits is kept with all above it; what lies in a folder that fits by its name is kept too, but not opened. */
function keepFitting({ by, kept, open, flat, layers }: Keeping): number {
  const { parents, layerOf, rowOf } = flat
  const text = by.text.toLowerCase()
  const paths: string[] = []
  const named = new Uint8Array(kept.length)
  let fitting = 0
  for (let node = 0; node < kept.length; node++) {
    const row = rowOf[node]!
    const parent = parents[node]!
    if (row < 0) {
      paths[node] = ''
      continue
    }
    const { names, marks } = layers[layerOf[node]!]!
    paths[node] = `${paths[parent]}/${names[row]!.toLowerCase()}`
    const isInside = named[parent] === 1
    if (isInside || paths[node]!.includes(text)) named[node] = 1
    const isMarked = by.marks === '' || by.marks.includes(marks[row]!)
    if (named[node] === 0 || !isMarked) continue
    kept[node] = 1
    // With marks, everything that has one is looked for.
    const isFound = !isInside || by.marks !== ''
    if (isFound) fitting++
    for (let at = parent; at >= 0 && (kept[at] === 0 || (isFound && open[at] === 0)); at = parents[at]!) {
      kept[at] = 1
      if (isFound) open[at] = 1
    }
  }
  return fitting
}
