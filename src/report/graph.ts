/** Where the stages of a build stand in their picture: bases on the left, each stage right of all that it uses, lines around the rest. */
import type { StageReport } from './contract.ts'

/** A stage or an image in the picture. */
export interface GraphNode {
  readonly name: string
  readonly kind: 'stage' | 'image'
  readonly stage?: StageReport
  readonly x: number
  readonly y: number
}

/** A line from what is used to what uses it. `from`: it is its base; `copy`: files are taken from it. */
export interface GraphEdge {
  readonly kind: 'from' | 'copy'
  /** From the right side of the first node to the left side of the last one, with a pair for each column between. */
  readonly points: readonly (readonly [x: number, y: number])[]
}

export interface Graph {
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly GraphEdge[]
  readonly width: number
  readonly height: number
}

/** Size of a node, and room between two, in pixels. A line that passes a column takes a lane there. */
export const nodeSize = { width: 168, height: 56, gapX: 52, gapY: 18, lane: 8, margin: 10 } as const

/** What takes a place in a column: a node, or a line that passes. */
interface Slot {
  readonly key: string
  readonly depth: number
  readonly node?: { readonly name: string; readonly stage?: StageReport }
  /** Keys of the slots left of it that it is tied to. */
  readonly left: readonly string[]
}

interface Link {
  readonly kind: GraphEdge['kind']
  /** Keys of slots, from what is used to what uses it. */
  readonly path: readonly string[]
}

/** The picture of a build's stages. */
export function layOut(stages: readonly StageReport[]): Graph {
  const { slots, links } = slotsOf(stages)
  const columns = columnsOf(slots)
  const { width, gapX, margin } = nodeSize
  const tallest = Math.max(0, ...columns.map(heightOf))
  const places = new Map<string, { readonly x: number; readonly y: number; readonly height: number }>()
  columns.forEach((column, i) => {
    let y = margin + (tallest - heightOf(column)) / 2
    for (const slot of column) {
      const height = slotHeight(slot)
      places.set(slot.key, { x: margin + i * (width + gapX), y, height })
      y += height + nodeSize.gapY
    }
  })
  const nodes = slots.flatMap(({ key, node }): GraphNode[] => {
    const { x, y } = places.get(key)!
    return node === undefined ? [] : [{ ...node, kind: node.stage === undefined ? 'image' : 'stage', x, y }]
  })
  const edges = links.map(({ kind, path }): GraphEdge => {
    const points = path.flatMap((key, i) => {
      const { x, y, height } = places.get(key)!
      const middle = y + height / 2
      const sides = [i > 0 && ([x, middle] as const), i < path.length - 1 && ([x + width, middle] as const)]
      return sides.filter((side) => side !== false)
    })
    return { kind, points }
  })
  const across = columns.length * (width + gapX) - gapX
  return { nodes, edges, width: 2 * margin + Math.max(0, across), height: 2 * margin + tallest }
}

function slotHeight({ node }: Slot): number {
  return node === undefined ? nodeSize.lane : nodeSize.height
}

function heightOf(column: readonly Slot[]): number {
  return column.reduce((sum, slot) => sum + slotHeight(slot) + nodeSize.gapY, -nodeSize.gapY)
}

interface Use {
  readonly key: string
  readonly kind: GraphEdge['kind']
}

const stageKey = (name: string): string => `stage ${name}`
const imageKey = (name: string): string => `image ${name}`

function usesOf({ base, uses, images }: StageReport, names: ReadonlySet<string>): Use[] {
  const isStageBase = uses.includes(base) && names.has(base)
  const copied = uses.filter((other) => names.has(other) && !(isStageBase && other === base))
  const baseKey = isStageBase ? stageKey(base) : imageKey(base)
  return [
    ...(base === 'scratch' ? [] : [{ key: baseKey, kind: 'from' } as const]),
    ...copied.map((other) => ({ key: stageKey(other), kind: 'copy' }) as const),
    ...images.map((image) => ({ key: imageKey(image), kind: 'copy' }) as const),
  ]
}

/** Nodes by longest way from the left, images one column left of the first stage that uses them, and lanes for long lines. */
function slotsOf(stages: readonly StageReport[]): { readonly slots: Slot[]; readonly links: Link[] } {
  const names = new Set(stages.map(({ name }) => name))
  const uses = new Map(stages.map((stage) => [stageKey(stage.name), usesOf(stage, names)]))
  const images = [...new Set([...uses.values()].flat().map(({ key }) => key))].filter((key) => key.startsWith('image '))
  const depths = new Map<string, number>(images.map((key) => [key, 0]))
  // Inputs come before their users, in a Dockerfile and so here.
  for (const [key, used] of uses) {
    depths.set(key, Math.max(-1, ...used.map((use) => depths.get(use.key) ?? -1)) + 1)
  }
  for (const key of images) {
    const users = [...uses].filter(([, used]) => used.some((use) => use.key === key))
    depths.set(key, Math.max(0, Math.min(...users.map(([user]) => depths.get(user)!)) - 1))
  }
  const links: Link[] = []
  const lanes: Slot[] = []
  const left = new Map<string, string[]>()
  for (const [key, used] of uses) {
    for (const use of used) {
      const path = [use.key]
      for (let depth = depths.get(use.key)! + 1; depth < depths.get(key)!; depth++) {
        const lane = `lane ${lanes.length}`
        lanes.push({ key: lane, depth, left: [path.at(-1)!] })
        path.push(lane)
      }
      left.set(key, [...(left.get(key) ?? []), path.at(-1)!])
      links.push({ kind: use.kind, path: [...path, key] })
    }
  }
  const imageSlots = images.map((key): Slot => {
    return { key, depth: depths.get(key)!, node: { name: key.slice('image '.length) }, left: [] }
  })
  const stageSlots = stages.map((stage): Slot => {
    const key = stageKey(stage.name)
    return { key, depth: depths.get(key)!, node: { name: stage.name, stage }, left: left.get(key) ?? [] }
  })
  return { slots: [...imageSlots, ...stageSlots, ...lanes], links }
}

/** In a column each stands beside what it is tied to on its left, then each beside what is tied to it on its right. */
function columnsOf(slots: readonly Slot[]): Slot[][] {
  const last = Math.max(-1, ...slots.map(({ depth }) => depth))
  const columns = Array.from({ length: last + 1 }, (_, depth) => slots.filter((slot) => slot.depth === depth))
  const rows = new Map<string, number>()
  const note = (column: readonly Slot[]): void => {
    column.forEach(({ key }, row) => rows.set(key, (row + 0.5) / column.length))
  }
  const right = new Map<string, string[]>()
  for (const { key, left } of slots) for (const other of left) right.set(other, [...(right.get(other) ?? []), key])
  columns.forEach(note)
  for (let sweep = 0; sweep < 4; sweep++) {
    const order = sweep % 2 === 0 ? columns : [...columns].reverse()
    for (const column of order) {
      const weight = (slot: Slot): number => {
        const tied = sweep % 2 === 0 ? slot.left : (right.get(slot.key) ?? [])
        if (tied.length === 0) return rows.get(slot.key)!
        return tied.reduce((sum, key) => sum + rows.get(key)!, 0) / tied.length
      }
      const weights = new Map(column.map((slot) => [slot, weight(slot)]))
      column.sort((a, b) => weights.get(a)! - weights.get(b)!)
      note(column)
    }
  }
  return columns
}
