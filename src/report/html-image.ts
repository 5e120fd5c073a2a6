/** Layers, files and wasted space of an image, as parts of the page. */
import { humanSize } from '../ui/human.ts'
import type { HistoryLine, ImageReport, LayerReport, Waste } from './contract.ts'
import { type Markup, html } from '../core/markup.ts'
import { shownName } from './names.ts'
import { instructionOf } from './page-layers.ts'

/** Wasted paths that are listed. */
const wasteRows = 200

/** The layers with their bars, and the place for their files. */
export function layersSection(image: ImageReport): Markup {
  const largest = Math.max(1, ...image.layers.map(({ size }) => size))
  const lines = image.history.map((line) => historyItem(line, { image, largest }))
  const known = new Set(image.history.flatMap(({ layer }) => layer ?? []))
  const others = image.layers.flatMap((_, i) => (known.has(i) ? [] : [layerItem(i, { image, largest })]))
  return html`<div class="columns">
<section aria-labelledby="layers-title">
<h2 id="layers-title">Layers</h2>
<p class="legend"><span class="key size"></span>size <span class="key waste"></span>of it hidden by later layers</p>
<ol class="layers" id="layers">
${[...lines, ...others]}</ol>
</section>
<section class="files" aria-labelledby="files-title">
<h2 id="files-title">Files</h2>
<div class="tools" role="search" aria-label="Files">
<label class="search"><span>Search</span><input type="search" id="search" autocomplete="off" spellcheck="false" placeholder="search files"></label>
<div class="marks" role="group" aria-label="Show only">
${[markButton('A', 'added'), markButton('C', 'changed'), markButton('D', 'deleted')]}</div>
<button type="button" id="order" aria-pressed="false">largest first</button>
</div>
<p class="found" id="found" role="status"></p>
<div class="tree" id="tree" role="tree" tabindex="0" aria-labelledby="files-title" aria-describedby="tree-help"></div>
<p class="detail" id="detail"></p>
<p class="help" id="tree-help">Arrow keys walk and open, * opens all beside, letters go to a name.</p>
<noscript><p>The files are shown by a script, which this browser does not run.</p></noscript>
</section>
</div>`
}

function markButton(mark: string, word: string): Markup {
  return html`<button type="button" data-mark="${mark}" aria-pressed="false"><span class="mark ${mark}" aria-hidden="true">${mark}</span>${word}</button>
`
}

interface Place {
  readonly image: ImageReport
  readonly largest: number
}

function historyItem(line: HistoryLine, place: Place): Markup {
  if (line.layer !== undefined) return layerItem(line.layer, place)
  return html`<li class="meta"><code>${instructionOf(line)}</code></li>
`
}

function layerItem(index: number, { image, largest }: Place): Markup {
  const layer = image.layers[index]!
  const { size, wasted } = layer
  return html`<li><button type="button" class="layer" data-layer="${index}" aria-pressed="false"><span class="number">${index + 1}</span><code>${instructionOf(layer)}</code><span class="size">${humanSize(size, 3)}</span>${bar(size / largest, Math.min(wasted, size) / largest)}<span class="counts">${counts(layer)}</span></button></li>
`
}

function counts({ added, changed, deleted, wasted }: LayerReport): Markup {
  const parts = [
    added > 0 && html`<span class="A">+${added.toLocaleString('en')} added</span> `,
    changed > 0 && html`<span class="C">${changed.toLocaleString('en')} changed</span> `,
    deleted > 0 && html`<span class="D">−${deleted.toLocaleString('en')} deleted</span> `,
    wasted > 0 && html`<span>${humanSize(wasted, 3)} wasted</span>`,
  ]
  return parts.every((part) => part === false) ? html`nothing changed` : html`${parts}`
}

/** Of 1 each: how long the bar is, and how much of it at its end is another colour. */
function bar(length: number, wasted: number): Markup {
  const full = 1000 * length
  const end = 1000 * wasted
  return html`<svg class="bar" viewBox="0 0 1000 8" preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="1000" height="8"/><rect class="size" width="${full.toFixed(1)}" height="8"/>${end > 0 && html`<rect class="waste" x="${(full - end).toFixed(1)}" width="${end.toFixed(1)}" height="8"/>`}</svg>`
}

const hows: Readonly<Record<Waste['how'], string>> = {
  deleted: 'deleted in',
  overwritten: 'overwritten in',
  copied: 'written again, unchanged, in',
}

/** What later layers hide. */
export function wasteSection({ waste, wasted, size, layers }: ImageReport): Markup {
  if (waste.length === 0) {
    return html`<section aria-labelledby="waste-title"><h2 id="waste-title">Wasted space</h2><p>None: no layer hides a file of another.</p></section>`
  }
  const share = ((100 * wasted) / Math.max(1, size)).toFixed(1)
  const rest = waste.length - wasteRows
  return html`<section aria-labelledby="waste-title">
<h2 id="waste-title">Wasted space</h2>
<p>${humanSize(wasted, 3)} (${share}%) are in layers but cannot be seen: ${waste.length.toLocaleString('en')} files were deleted or written again later. Delete in the RUN that creates, and set owner and mode in the COPY.</p>
<div class="scroll" tabindex="0" role="region" aria-labelledby="waste-title">
<table>
<thead><tr><th scope="col">Size</th><th scope="col">File</th><th scope="col">Made in</th><th scope="col">What became of it</th></tr></thead>
<tbody>
${waste.slice(0, wasteRows).map((one) => wasteRow(one, layers.length))}</tbody>
</table>
</div>
${rest > 0 && html`<p>… and ${rest.toLocaleString('en')} smaller ones.</p>`}
</section>`
}

function wasteRow({ path, size, layer, by, how }: Waste, layers: number): Markup {
  const name = shownName(path)
  const to = (index: number): Markup =>
    html`<button type="button" class="link" data-layer="${index}" data-path="${name}" aria-label="Layer ${index + 1} of ${layers}: show ${name}">layer ${index + 1}</button>`
  return html`<tr><td>${humanSize(size, 3)}</td><td><code>${name}</code></td><td>${to(layer)}</td><td>${hows[how]} ${to(by)}</td></tr>
`
}
