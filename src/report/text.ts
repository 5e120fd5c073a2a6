/** The report for a terminal. */
import { humanDuration, humanSize } from '../ui/human.ts'
import type { Style } from '../ui/style.ts'
import { displayWidth, fitWidth } from '../ui/text.ts'
import { position } from './axis.ts'
import type { BuildReport, ImageReport, LayerReport, Report, StepReport, Waste } from './contract.ts'
import { shownInstruction, shownName, shownText } from './names.ts'
import { instructionOf } from './page-layers.ts'
import { buildWords, dateText, stageText, waitedOf } from './words.ts'

/** Where the text goes: its width, and its colours. */
export interface TextLook {
  readonly columns: number
  readonly style: Style
}

/** Wasted paths that are listed. */
const wasteLines = 10

/** Columns of a bar. */
const barColumns = 16

/** The report as lines, each with its line end. */
export function textReport({ title, image, build }: Report, look: TextLook): string {
  const lines = [
    look.style.bold(shownText(title)),
    ...(image === undefined ? [] : imageLines(image, look)),
    ...(build === undefined ? [] : ['', ...buildLines(build, look)]),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

function imageLines(image: ImageReport, look: TextLook): string[] {
  const { style } = look
  const { layers, size, files, wasted, waste } = image
  const share = size === 0 ? 0 : (100 * wasted) / size
  const facts = `${image.id.slice(0, 19)}  ${image.platform}${image.created === undefined ? '' : `  ${dateText(image.created)}`}`
  const sums = `${humanSize(size, 3)} in ${plural(layers.length, 'layer')}, ${plural(files, 'file')}, ${humanSize(wasted, 3)} wasted (${share.toFixed(1)}%)`
  const largest = Math.max(1, ...layers.map((layer) => layer.size))
  return [
    style.dim(facts),
    sums,
    '',
    style.dim(
      `${'LAYER'.padEnd(7)}${'SIZE'.padEnd(9)}${' '.repeat(barColumns + 2)}${'+A  ~C  -D'.padEnd(20)}CREATED BY`,
    ),
    ...layers.map((layer, i) => layerLine(layer, { i, largest, look })),
    ...(waste.length === 0 ? [] : ['', style.dim('WASTED   FILE'), ...wasteText(waste, look)]),
  ]
}

function plural(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`
}

function layerLine(
  layer: LayerReport,
  { i, largest, look }: { readonly i: number; readonly largest: number; readonly look: TextLook },
): string {
  const { style, columns } = look
  const full = blocks(layer.size / largest)
  const wasted = Math.min(full, Math.round((layer.wasted / largest) * barColumns))
  const bar = `${style.blue('█'.repeat(full - wasted))}${style.yellow('▒'.repeat(wasted))}${' '.repeat(barColumns - full)}`
  const { added, changed, deleted } = layer
  const counts = [
    [added, '+', style.green],
    [changed, '~', style.yellow],
    [deleted, '-', style.red],
  ] as const
  const marks = counts
    .filter(([count]) => count > 0)
    .map(([count, sign, paint]) => ({ text: `${sign}${count}`, paint }))
  const width = marks.reduce((sum, { text }) => sum + text.length + 1, 0)
  const front = `${String(i + 1).padStart(4)}   ${humanSize(layer.size, 3).padEnd(9)}${bar}  `
  const painted = marks.map(({ text, paint }) => paint(text)).join(' ')
  const room = Math.max(16, columns - 7 - 9 - barColumns - 2 - Math.max(20, width))
  return `${front}${painted}${' '.repeat(Math.max(1, 21 - width))}${fitWidth(instructionOf(layer), room)}`
}

/** A part of a bar, at least one column of what is there at all. */
function blocks(share: number): number {
  return share === 0 ? 0 : Math.min(barColumns, Math.max(1, Math.round(share * barColumns)))
}

const hows: Readonly<Record<Waste['how'], string>> = {
  deleted: 'deleted in',
  overwritten: 'overwritten in',
  copied: 'written again in',
}

function wasteText(waste: readonly Waste[], { style, columns }: TextLook): string[] {
  const lines = waste.slice(0, wasteLines).map(({ size, path, layer, by, how }) => {
    const fate = `  ${layer + 1} → ${hows[how]} ${by + 1}`
    return `${humanSize(size, 3).padEnd(9)}${fitWidth(shownName(path), Math.max(20, columns - 9 - fate.length))}${style.dim(fate)}`
  })
  const rest = waste.length - wasteLines
  return rest > 0 ? [...lines, style.dim(`         … and ${rest.toLocaleString('en')} more`)] : lines
}

function buildLines(build: BuildReport, look: TextLook): string[] {
  const { style } = look
  const words = buildWords(build)
  const head = `${style.bold('build')} of ${shownText(build.dockerfile)}, ${dateText(build.startedAt)}: ${build.outcome} in ${words.took}`
  const sums = [words.steps, words.work].filter((text) => text !== '').join('; ')
  const shown = build.steps.filter(({ outcome }) => outcome !== 'silent')
  return [
    head,
    sums,
    ...(build.stages.length < 2 ? [] : ['', ...stageLines(build, look)]),
    ...(shown.length === 0 ? [] : ['', ...shown.map((step) => stepLine(step, { build, look }))]),
  ]
}

function stageLines({ stages }: BuildReport, { style }: TextLook): string[] {
  const width = Math.max(...stages.map(({ name }) => displayWidth(stageText(name))))
  return stages.map(({ name, base, uses, images, isTarget }) => {
    const copied = [...uses.filter((other) => other !== base), ...images]
    const from = copied.length === 0 ? '' : `, copies from ${copied.map(stageText).join(', ')}`
    const label = stageText(name)
    const shown = `${label}${' '.repeat(width - displayWidth(label))}`
    return `  ${isTarget ? style.bold(shown) : shown}  ${style.dim(`← ${stageText(base)}${from}`)}`
  })
}

/** Columns of the timeline. */
const timeColumns = 30

function stepLine(step: StepReport, { build, look }: { readonly build: BuildReport; readonly look: TextLook }): string {
  const { style, columns } = look
  const { outcome, start = 0, end = start, ready = start, isCritical } = step
  const at = (moment: number): number =>
    Math.min(timeColumns - 1, Math.floor((position(moment, build.duration) * timeColumns) / 1000))
  const first = at(start)
  const length = Math.max(1, at(end) - first + 1)
  const waited = waitedOf(step) === 0 ? 0 : first - at(ready)
  const isPoint = outcome === 'cached'
  const paint = outcome === 'failed' ? style.red : isPoint ? style.green : isCritical ? style.bold : style.blue
  const run = isPoint ? '◆' : '█'.repeat(length)
  const line = `${' '.repeat(first - waited)}${style.dim('·'.repeat(waited))}${paint(run)}${' '.repeat(timeColumns - first - (isPoint ? 1 : length))}`
  const took = isPoint ? 'cached' : outcome === 'done' ? humanDuration(end - start) : outcome
  const manyStages = build.stages.length > 1
  const label = `${manyStages ? `${stageText(step.stage)}: ` : ''}${shownInstruction(step.text)}`
  return `  ${line} ${took.padStart(9)}  ${fitWidth(label, Math.max(20, columns - timeColumns - 14))}`
}
