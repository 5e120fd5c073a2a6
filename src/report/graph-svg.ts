/** The picture of a build's stages as SVG. */
import { humanDuration } from '../ui/human.ts'
import { fitWidth } from '../ui/text.ts'
import type { StageReport } from './contract.ts'
import { type GraphEdge, type GraphNode, layOut, nodeSize } from './graph.ts'
import { type Markup, html } from '../core/markup.ts'
import { shownText } from './names.ts'
import { stageText } from './words.ts'

/** Characters that fit into a node. */
const nodeColumns = 20

/** The stages, their bases and what goes where. Colours come from classes. */
export function graphSvg(stages: readonly StageReport[]): Markup & { readonly width: number; readonly height: number } {
  const { nodes, edges, width, height } = layOut(stages)
  const words = stages
    .map(({ name, base, uses }) => `${stageText(name)} is built on ${base}${used(base, uses)}`)
    .join('; ')
  const { markup } =
    html`<svg class="graph" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${shownText(words)}">
<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path class="arrow" d="M0 0L8 4L0 8z"/></marker></defs>
${edges.map(edgeSvg)}${nodes.map(nodeSvg)}</svg>`
  return { markup, width, height }
}

function used(base: string, uses: readonly string[]): string {
  const others = uses.filter((other) => other !== base)
  return others.length === 0 ? '' : ` and takes files from ${others.join(' and ')}`
}

/** Curves between columns, straight lines through them. */
function edgeSvg({ points, kind }: GraphEdge): Markup {
  const [first, ...rest] = points
  const path = rest.map(([x, y], i) => {
    const [x1, y1] = points[i]!
    if (i % 2 === 1) return `H${x}`
    // Room for the arrow.
    const end = i === rest.length - 1 ? x - 1 : x
    const middle = (x1 + end) / 2
    return `C${middle} ${y1} ${middle} ${y} ${end} ${y}`
  })
  return html`<path class="edge ${kind}" d="M${first!.join(' ')}${path.join('')}" marker-end="url(#arrow)"/>
`
}

function nodeSvg({ name, kind, stage, x, y }: GraphNode): Markup {
  const { width, height } = nodeSize
  const title = kind === 'stage' ? stageText(name) : shownText(name)
  const classes = `node ${kind}${stage?.isTarget === true ? ' target' : ''}`
  return html`<g class="${classes}" transform="translate(${x} ${y})"><title>${title}</title><rect width="${width}" height="${height}" rx="${kind === 'image' ? height / 2 : 6}"/><text class="name" x="${width / 2}" y="${height / 2 - 4}">${kind === 'image' ? lastColumns(title) : fitWidth(title, nodeColumns)}</text><text class="note" x="${width / 2}" y="${height / 2 + 15}">${stage === undefined ? 'image' : stageNote(stage)}</text></g>
`
}

/** The end of a long name: that of an image begins with its registry. */
function lastColumns(name: string): string {
  const columns = nodeColumns - 4
  return name.length > columns ? `…${name.slice(1 - columns)}` : name
}

/** `2 run, 1 cached · 3.4s` */
export function stageNote({ ran, cached, busy, isTarget }: StageReport): string {
  const counts = [ran > 0 && `${ran} run`, cached > 0 && `${cached} cached`].filter((part) => part !== false)
  const parts = [isTarget && 'target', counts.join(', '), busy > 0 && humanDuration(busy)]
  return parts.filter((part) => part !== false && part !== '').join(' · ') || 'no steps'
}
