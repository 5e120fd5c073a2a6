/** The report as one picture: layers, stages and timeline below each other, for a page or a slide. */
import { humanDuration, humanSize } from '../ui/human.ts'
import { fitWidth } from '../ui/text.ts'
import { position } from './axis.ts'
import type { BuildReport, ImageReport, LayerReport, Report, StepReport } from './contract.ts'
import { graphSvg } from './graph-svg.ts'
import { type Markup, html } from '../core/markup.ts'
import { shownInstruction, shownText } from './names.ts'
import { instructionOf } from './page-layers.ts'
import { buildWords, stageText, waitedOf } from './words.ts'

/** Width of the picture in pixels; a wide stage graph makes it wider. */
const pageWidth = 960

const margin = 24
const rowHeight = 24
const labelWidth = 420
const valueWidth = 80

/** A part of the picture. */
interface Part {
  readonly height: number
  readonly body: Markup
}

/** The picture; its colours follow what the viewer prefers. */
export function svgReport({ title, image, build }: Report): string {
  const graph = build !== undefined && build.stages.length > 0 ? graphSvg(build.stages) : undefined
  // All parts are as wide as the widest.
  const inner = Math.max(pageWidth - 2 * margin, graph?.width ?? 0)
  const parts = [
    heading(title, image),
    ...(image ? layerParts(image, inner) : []),
    ...(build ? buildParts(build, { graph, inner }) : []),
  ]
  let y = margin
  const placed = parts.map(({ height, body }) => {
    const at = y
    y += height
    return html`<g transform="translate(${margin} ${at})">${body}</g>
`
  })
  const [width, height] = [inner + 2 * margin, y + margin]
  const { markup } =
    html`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${shownText(title)}">
<style>${{ markup: style }}</style>
<rect class="page" width="${width}" height="${height}"/>
${placed}</svg>
`
  return markup
}

const style = `
svg{color-scheme:light dark;font:13px system-ui,"DejaVu Sans",sans-serif}
.page{fill:#fff}text{fill:#1c2128}.note,.value.dim{fill:#57606a}.title{font-size:20px;font-weight:700}.head{font-size:15px;font-weight:600}
.value{text-anchor:end}.track{fill:#e9edf1}.size,.done,.cancelled{fill:#4a8fe0}.waste{fill:#e0930f}.critical{fill:#0b4a9c}.cached{fill:#2d9b4f}.wait{fill:#a8b1bb}.failed{fill:#d1242f}
.node rect{fill:#f4f6f8;stroke:#57606a}.image rect{stroke-dasharray:4 3}.target rect{fill:#dbe9fb;stroke:#0b5fc5;stroke-width:2}.node text{text-anchor:middle}.node .name{font-weight:600}
.edge{fill:none;stroke:#57606a;stroke-width:2}.edge.copy{stroke:#0b5fc5;stroke-dasharray:6 4}.arrow{fill:#57606a}
@media (prefers-color-scheme:dark){.page{fill:#0e1217}text{fill:#e4e9ef}.note,.value.dim{fill:#9aa5b1}.track{fill:#262d36}.size,.done,.cancelled{fill:#3d7fd0}.critical{fill:#8fc4ff}.cached{fill:#3fae60}.wait{fill:#5d6873}.failed{fill:#f0554e}
.node rect{fill:#171c23;stroke:#9aa5b1}.target rect{fill:#1d3350;stroke:#6cb0ff}.edge{stroke:#9aa5b1}.edge.copy{stroke:#6cb0ff}.arrow{fill:#9aa5b1}}
`

function heading(title: string, image: ImageReport | undefined): Part {
  const note = image && `${image.platform}, ${humanSize(image.size, 3)}, ${humanSize(image.wasted, 3)} wasted`
  return {
    height: note === undefined ? 44 : 60,
    body: html`<text class="title" y="16">${fitWidth(shownText(title), 70)}</text>${note !== undefined && html`<text class="note" y="38">${note}</text>`}`,
  }
}

function sectionTitle(text: string): Part {
  return { height: 52, body: html`<text class="head" y="34">${text}</text>` }
}

/** Colours and what they mean. */
function legend(keys: readonly (readonly [kind: string, word: string])[]): Part {
  const body = keys.map(
    ([kind, word], i) =>
      html`<rect class="${kind}" x="${i * 130}" y="4" width="11" height="11" rx="2"/><text class="note" x="${i * 130 + 17}" y="14">${word}</text>`,
  )
  return { height: 28, body: html`${body}` }
}

const barX = labelWidth + 10

interface Row {
  readonly label: string
  /** On a line of a thousand parts. */
  readonly bar: Markup
  readonly value: string
}

function row({ label, bar, value }: Row, inner: number): Part {
  const width = inner - barX - valueWidth
  return {
    height: rowHeight,
    body: html`<text y="16">${fitWidth(label, 56)}</text><svg x="${barX}" y="6" width="${width}" height="12" viewBox="0 0 1000 12" preserveAspectRatio="none"><rect class="track" width="1000" height="12"/>${bar}</svg><text class="value" x="${inner}" y="16">${value}</text>`,
  }
}

function layerParts({ layers }: ImageReport, inner: number): Part[] {
  const largest = Math.max(1, ...layers.map(({ size }) => size))
  const layerRow = (layer: LayerReport, i: number): Part => {
    const full = position(layer.size, largest)
    const waste = Math.min(full, position(layer.wasted, largest))
    const bar = html`<rect class="size" width="${full}" height="12"/>${waste > 0 && html`<rect class="waste" x="${full - waste}" width="${waste}" height="12"/>`}`
    return row({ label: `${i + 1}  ${instructionOf(layer)}`, bar, value: humanSize(layer.size, 3) }, inner)
  }
  const keys = [
    ['size', 'size'],
    ['waste', 'hidden by later layers'],
  ] as const
  return [sectionTitle('Layers'), legend(keys), ...layers.map(layerRow)]
}

const timeKeys = [
  ['done', 'ran'],
  ['critical', 'decided the end'],
  ['cached', 'cached'],
  ['wait', 'waited'],
  ['failed', 'failed'],
] as const

function buildParts(
  build: BuildReport,
  { graph, inner }: { readonly graph: ReturnType<typeof graphSvg> | undefined; readonly inner: number },
): Part[] {
  const words = buildWords(build)
  const shown = build.steps.filter(({ outcome }) => outcome !== 'silent')
  const title = `Build: ${build.outcome} in ${words.took}; ${words.steps}${words.work === '' ? '' : `; ${words.work}`}`
  return [
    sectionTitle(title),
    ...(graph === undefined ? [] : [{ height: graph.height + 24, body: { markup: graph.markup } }]),
    ...(shown.length === 0 ? [] : [legend(timeKeys)]),
    ...shown.map((step) => stepRow(step, build, inner)),
  ]
}

function stepRow(step: StepReport, { duration, stages }: BuildReport, inner: number): Part {
  const { outcome, start = 0, end = start, ready = start, isCritical } = step
  const x = position(start, duration)
  const isPoint = outcome === 'cached'
  const width = Math.max(isPoint ? 5 : 2, position(end, duration) - x)
  const wait =
    waitedOf(step) > 0 &&
    html`<rect class="wait" x="${position(ready, duration)}" y="4" width="${x - position(ready, duration)}" height="4"/>`
  const kind = outcome === 'done' && isCritical ? 'critical' : outcome
  const bar = html`${wait}<rect class="${kind}" x="${Math.min(x, 1000 - width)}" width="${width}" height="12"/>`
  const label = `${stages.length > 1 ? `${stageText(step.stage)}: ` : ''}${shownInstruction(step.text)}`
  const value = isPoint ? 'cached' : outcome === 'done' ? humanDuration(end - start) : outcome
  return row({ label, bar, value }, inner)
}
