/** The report as one page that needs nothing else: no network, no other file, and a policy that forbids both. */
import { createHash } from 'node:crypto'
import { humanSize } from '../ui/human.ts'
import type { BuildReport, ImageReport, Report } from './contract.ts'
import { buildSection } from './html-build.ts'
import { layersSection, wasteSection } from './html-image.ts'
import { type Markup, html } from '../core/markup.ts'
import { scriptJson } from './script-json.ts'
import { shownText } from './names.ts'
import type { PageData } from './page-data.ts'
import { pageLayers } from './page-layers.ts'
import { buildWords, dateText } from './words.ts'

/** What the page brings along. */
export interface PageAssets {
  readonly script: string
  readonly style: string
}

/** The page. */
export function htmlReport({ title, image, build }: Report, assets: PageAssets): string {
  const data: PageData = { layers: image === undefined ? [] : pageLayers(image) }
  // Neither can end its element: the first holds no markup, the second is made by a compiler that escapes it.
  const script = { markup: assets.script.replace(/<\/(script)/gi, '<\\/$1') }
  const style = { markup: assets.style.trim() }
  const { markup } = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy(script.markup, style.markup)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${shownText(title)} – wherry report</title>
<style>${style}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
${heading({ title, image, build })}
<main id="main" tabindex="-1">
${image !== undefined && layersSection(image)}
${image !== undefined && wasteSection(image)}
${build !== undefined && buildSection(build)}
</main>
<footer>Made by wherry. This file is complete: it loads nothing.</footer>
<script type="application/json" id="data">${scriptJson(data)}</script>
<script>${script}</script>
</body>
</html>
`
  return markup
}

/** Only this script and this style; nothing is loaded, nothing is sent. */
function policy(script: string, style: string): string {
  const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
  return `default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; base-uri 'none'; form-action 'none'`
}

function heading({ title, image, build }: Report): Markup {
  return html`<header>
<p class="kind">wherry report</p>
<h1>${shownText(title)}</h1>
${image !== undefined && html`<p class="facts"><span>${image.platform}</span><span>${image.id.slice(0, 19)}</span>${image.created !== undefined && html`<span>${dateText(image.created)}</span>`}</p>`}
<ul class="tiles">
${image !== undefined && imageTiles(image)}${build !== undefined && buildTiles(build)}</ul>
</header>`
}

function tile(value: string, name: string, note = ''): Markup {
  return html`<li><b>${value}</b> <span>${name}</span>${note !== '' && html` <small>${note}</small>`}</li>
`
}

function imageTiles(image: ImageReport): Markup[] {
  const { size, layers, files, wasted } = image
  const share = size === 0 ? 0 : (100 * wasted) / size
  return [
    tile(humanSize(size, 3), 'in all'),
    tile(String(layers.length), layers.length === 1 ? 'layer' : 'layers'),
    tile(files.toLocaleString('en'), files === 1 ? 'file' : 'files'),
    tile(humanSize(wasted, 3), 'wasted', `${share.toFixed(share < 10 ? 1 : 0)}%`),
  ]
}

function buildTiles(build: BuildReport): Markup[] {
  const { took, steps } = buildWords(build)
  return [tile(took, build.outcome === 'done' ? 'to build' : build.outcome, steps)]
}
