/** The stage graph and the timeline of a build, as parts of the page. */
import { humanDuration, humanSize } from '../ui/human.ts'
import type { BuildReport, StepReport, TransferReport } from './contract.ts'
import { graphSvg } from './graph-svg.ts'
import { type Markup, html } from '../core/markup.ts'
import { shownInstruction, shownText } from './names.ts'
import { axisTicks, position } from './axis.ts'
import { buildWords, dateText, stageText, transferText, waitedOf } from './words.ts'

/** Transfers that are listed. */
const transferRows = 60

/** The build: what came from what, and when. */
export function buildSection(build: BuildReport): Markup {
  const words = buildWords(build)
  // One stage alone needs no picture.
  const stages = build.stages.length > 1
  return html`<section aria-labelledby="build-title">
<h2 id="build-title">Build</h2>
<p>${shownText(build.dockerfile)}, ${dateText(build.startedAt)}: ${build.outcome} in ${words.took}; ${words.steps}${words.work !== '' && `; ${words.work}`}.</p>
${
  stages &&
  html`<h3 id="stages-title">Stages</h3>
<p class="legend"><svg class="sample" width="34" height="10" aria-hidden="true"><path class="edge from" d="M1 5h32"/></svg>built on <svg class="sample" width="34" height="10" aria-hidden="true"><path class="edge copy" d="M1 5h32"/></svg>takes files from</p>
<div class="scroll" tabindex="0" role="region" aria-labelledby="stages-title">${graphSvg(build.stages)}</div>`
}
${timeline(build)}
</section>`
}

function timeline(build: BuildReport): Markup {
  const { steps, transfers, duration } = build
  const shown = steps.filter(({ outcome }) => outcome !== 'silent')
  const moved = transfers.filter(({ bytes, outcome }) => bytes > 0 || outcome === 'failed')
  if (shown.length + moved.length === 0) return html``
  const total = Math.max(1, duration)
  const manyStages = new Set(shown.map(({ stage }) => stage)).size > 1
  const rest = moved.length - transferRows
  return html`<h3 id="time-title">Timeline</h3>
<p class="legend"><span class="key done"></span>ran <span class="key critical"></span>decided the end <span class="key cached"></span>cached <span class="key wait"></span>waited <span class="key failed"></span>failed</p>
<div class="axis" aria-hidden="true">${axis(total)}</div>
<ol class="timeline" aria-labelledby="time-title">
${shown.map((step) => stepItem(step, { total, manyStages }))}</ol>
${
  moved.length > 0 &&
  html`<h3 id="moved-title">Moved meanwhile</h3>
<ol class="timeline" aria-labelledby="moved-title">
${moved.slice(0, transferRows).map((transfer) => transferItem(transfer, total))}</ol>`
}
${rest > 0 && html`<p>… and ${rest} more.</p>`}`
}

function axis(total: number): Markup {
  const ticks = axisTicks(total)
  return html`<svg width="100%" height="22">${ticks.map((at) => {
    const x = `${position(at, total) / 10}%`
    return html`<line x1="${x}" x2="${x}" y1="17" y2="22"/>${position(at, total) < 960 && html`<text x="${x}" y="13">${humanDuration(at)}</text>`}`
  })}</svg>`
}

interface Scale {
  readonly total: number
  readonly manyStages: boolean
}

function stepItem(step: StepReport, { total, manyStages }: Scale): Markup {
  const { outcome, stage, ordinal, text, start = 0, end = 0, ready = start, isCritical } = step
  const kind = outcome === 'done' && isCritical ? 'critical' : outcome
  const x = position(start, total)
  const isPoint = outcome === 'cached'
  const width = Math.max(isPoint ? 5 : 2, position(end, total) - x)
  const wait = waitedOf(step)
  const took = isPoint ? 'cached' : humanDuration(end - start)
  const words = [
    !isPoint && `${outcome === 'done' ? 'ran' : outcome} from ${humanDuration(start)} to ${humanDuration(end)}`,
    wait > 0 && `waited ${humanDuration(wait)}`,
    isCritical && 'decided the end',
  ].filter((part) => part !== false)
  const more = words.length > 0 ? words.join(', ') : `step ${ordinal}`
  return html`<li class="${outcome}" title="${more}"><span class="label">${wait > 0 && html`<small>waited ${humanDuration(wait)}</small> `}${manyStages && html`<b>${stageText(stage)}</b> `}<code>${shownInstruction(text)}</code></span><span class="took">${took}</span><svg class="bar" viewBox="0 0 1000 12" preserveAspectRatio="none" aria-hidden="true"><rect class="track" y="0" width="1000" height="12"/>${wait > 0 && html`<rect class="wait" x="${position(ready, total)}" y="4" width="${position(start, total) - position(ready, total)}" height="4"/>`}<rect class="${kind}" x="${Math.min(x, 1000 - width)}" width="${width}" height="12"/></svg><span class="more">${more}</span></li>
`
}

function transferItem({ kind, subject, start, end, bytes, outcome }: TransferReport, total: number): Markup {
  const x = position(start, total)
  const width = Math.max(2, position(end, total) - x)
  const more = `${humanDuration(end - start)} from ${humanDuration(start)}`
  return html`<li title="${more}"><span class="label"><code>${shownText(transferText({ kind, subject }))}</code></span><span class="took">${humanSize(bytes, 3)}</span><svg class="bar" viewBox="0 0 1000 12" preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="1000" height="12"/><rect class="${outcome === 'failed' ? 'failed' : 'moved'}" x="${Math.min(x, 1000 - width)}" width="${width}" height="12"/></svg><span class="more">${more}</span></li>
`
}
