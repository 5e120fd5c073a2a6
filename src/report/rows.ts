/** Changes of a layer as the rows of a tree: folders on the way are added, and each folder knows what is below it. */
import { type BytePath } from '../core/bytepath.ts'
import type { Change } from './contract.ts'

/** A line of the tree, folders before what they hold. */
export interface TreeRow {
  readonly depth: number
  /** The last part of the path. */
  readonly name: BytePath
  /** Absent for a folder that the layer does not name. */
  readonly change?: Change
  /** Bytes that the layer has at the path and below it. */
  readonly size: number
  /** What it adds, changes and deletes there. */
  readonly marks: readonly [added: number, changed: number, deleted: number]
}

interface Draft {
  readonly depth: number
  readonly name: BytePath
  readonly change?: Change
}

/** The rows of changes, which are in the order of a tree. */
export function treeRows(changes: readonly Change[]): TreeRow[] {
  const drafts: Draft[] = []
  let open: readonly BytePath[] = []
  for (const change of changes) {
    if (change.path === '') {
      if (change.mark !== '') drafts.push({ depth: 0, name: '/', change })
      continue
    }
    const parts = change.path.split('/')
    let depth = 0
    while (depth < parts.length - 1 && open[depth] === parts[depth]) depth++
    for (; depth < parts.length - 1; depth++) drafts.push({ depth, name: parts[depth]! })
    drafts.push({ depth, name: parts[depth]!, change })
    open = parts
  }
  return summed(drafts)
}

/** From the last row to the first: a folder comes after all that is below it, and takes the sums of the depth below its own. */
function summed(drafts: readonly Draft[]): TreeRow[] {
  const sizes: number[] = []
  const marks: [number, number, number][] = []
  const rows: TreeRow[] = []
  for (let i = drafts.length - 1; i >= 0; i--) {
    const draft = drafts[i]!
    const { depth, change } = draft
    const below = sizes[depth + 1] ?? 0
    const [added, changed, deleted] = marks[depth + 1] ?? [0, 0, 0]
    sizes[depth + 1] = 0
    marks[depth + 1] = [0, 0, 0]
    const mark = change?.mark
    const size = below + (change === undefined || mark === 'D' ? 0 : change.size)
    const counts: [number, number, number] = [
      added + (mark === 'A' ? 1 : 0),
      changed + (mark === 'C' ? 1 : 0),
      deleted + (mark === 'D' ? 1 : 0),
    ]
    rows.push({ ...draft, size, marks: counts })
    sizes[depth] = (sizes[depth] ?? 0) + size
    const sum = marks[depth] ?? [0, 0, 0]
    marks[depth] = [sum[0] + counts[0], sum[1] + counts[1], sum[2] + counts[2]]
  }
  return rows.reverse()
}
