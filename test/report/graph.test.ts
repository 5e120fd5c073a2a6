/** The picture of stages: order, room, and lines that pass nodes by. */
import { expect, test } from 'vitest'
import type { StageReport } from '../../src/report/contract.ts'
import { type Graph, layOut, nodeSize } from '../../src/report/graph.ts'

const stage = (
  name: string,
  base: string,
  uses: readonly string[] = [],
  images: readonly string[] = [],
): StageReport => ({
  name,
  base,
  uses,
  images,
  isTarget: false,
  ran: 0,
  cached: 0,
  busy: 0,
})

const five = [
  stage('base', 'debian'),
  stage('assets', 'base', ['base']),
  stage('app', 'base', ['base']),
  stage('test', 'app', ['app']),
  stage('4', 'base', ['base', 'assets', 'app', 'test'], ['busybox']),
]

function at(graph: Graph, name: string) {
  return graph.nodes.find((node) => node.name === name)!
}

test('every stage stands right of what it uses', () => {
  const graph = layOut(five)
  expect(graph.nodes.map(({ name, kind }) => `${kind} ${name}`).sort()).toEqual([
    'image busybox',
    'image debian',
    'stage 4',
    'stage app',
    'stage assets',
    'stage base',
    'stage test',
  ])
  for (const { name, uses, base } of five)
    for (const other of [...uses, base]) expect(at(graph, name).x).toBeGreaterThan(at(graph, other).x)
  expect(at(graph, 'busybox').x).toBe(at(graph, 'test').x)
  expect(graph.edges.length).toBe(9)
})

test('no two nodes overlap, and no line crosses a node that it does not belong to', () => {
  const graph = layOut(five)
  const { width, height } = nodeSize
  for (const a of graph.nodes) {
    expect(a.x + width).toBeLessThanOrEqual(graph.width)
    expect(a.y + height).toBeLessThanOrEqual(graph.height)
    for (const b of graph.nodes) {
      if (a === b) continue
      expect(Math.abs(a.x - b.x) >= width || Math.abs(a.y - b.y) >= height, `${a.name} ${b.name}`).toBe(true)
    }
    for (const { points } of graph.edges) {
      for (let i = 1; i + 1 < points.length; i += 2) {
        const [x, y] = points[i]!
        const isInside = x === a.x && y > a.y && y < a.y + height
        expect(isInside, `a line through ${a.name}`).toBe(false)
      }
    }
  }
})

test('scratch is no node, equal names of a stage and an image are two', () => {
  const graph = layOut([stage('debian', 'debian'), stage('out', 'scratch', ['debian'])])
  expect(graph.nodes.map(({ name, kind }) => `${kind} ${name}`)).toEqual(['image debian', 'stage debian', 'stage out'])
  expect(layOut([])).toMatchObject({ nodes: [], edges: [] })
})
