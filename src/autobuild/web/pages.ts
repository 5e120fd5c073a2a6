/** The pages: all builds, and one build with its log. Plain HTML that needs no script; pure. */
import { type AutobuildConfig, type BuildRecord, type Repository, type Rule, isEnded } from '../contract.ts'
import { type Markup, html } from '../../core/markup.ts'

/** Marks before the words, so that nobody needs to see colours. */
const marks: Readonly<Record<BuildRecord['status'], string>> = {
  waiting: '○',
  running: '▶',
  done: '✓',
  failed: '✗',
  replaced: '↷',
  stopped: '■',
  unchanged: '=',
}

/** What the list shows. */
export interface ListView {
  readonly config: AutobuildConfig
  readonly builds: readonly BuildRecord[]
  /** Only of this repository. */
  readonly only: string | undefined
  readonly nowMs: number
}

/** No page lists more builds. */
const maxListed = 200

/** The page of all builds, or of those of one repository. */
export function listPage({ config, builds, only, nowMs }: ListView): string {
  const repositories = config.repositories.filter(({ name }) => only === undefined || name === only)
  const shown = builds.filter(({ repository }) => only === undefined || repository === only).slice(0, maxListed)
  const count = (status: BuildRecord['status']): number => builds.filter((one) => one.status === status).length
  const title = only === undefined ? 'Automatic builds' : `Builds of ${only}`
  return page(
    title,
    html`<p>${count('running')} running, ${count('waiting')} waiting.</p>
      <h2 id="builds">Builds</h2>
      ${shown.length === 0 ? html`<p>None yet.</p>` : buildTable(shown, nowMs)}
      <h2>${only === undefined ? 'Repositories' : 'Repository'}</h2>
      <div class="cards">${repositories.map((one) => repositoryCard(one, config.url))}</div>`,
    only === undefined ? undefined : html`<p><a href="/">All builds</a></p>`,
  )
}

function buildTable(builds: readonly BuildRecord[], nowMs: number): Markup {
  return html`<div class="scroll" tabindex="0" role="region" aria-labelledby="builds"><table>
<thead><tr><th scope="col">Build</th><th scope="col">Status</th><th scope="col">Repository</th><th scope="col">Branch or tag</th><th scope="col">Commit</th><th scope="col">Image tags</th><th scope="col">Dockerfile</th><th scope="col">Queued</th><th scope="col">Took</th></tr></thead>
<tbody>${builds.map((one) => buildRow(one, nowMs))}</tbody></table></div>`
}

function buildRow(build: BuildRecord, nowMs: number): Markup {
  return html`<tr><td class="short"><a href="/builds/${build.id}">${build.id}</a></td><td>${statusOf(build)}</td><td class="short"><a href="/?repository=${build.repository}">${build.repository}</a></td><td>${refName(build.ref)}</td><td><code>${build.commit?.slice(0, 12)}</code></td><td>${tagList(build)}</td><td><code>${build.dockerfile}</code></td><td>${timeOf(build.queuedAt)}</td><td class="short">${tookText(build, nowMs)}</td></tr>
`
}

function statusOf({ status }: BuildRecord): Markup {
  return html`<span class="status ${status}"><span aria-hidden="true">${marks[status]}</span> ${status}</span>`
}

function refName(ref: string): string {
  return ref.replace(/^refs\/heads\//, '').replace(/^refs\/tags\//, 'tag ')
}

function tagList({ images }: BuildRecord): Markup {
  return html`${images.map((image, i) => html`${i === 0 ? '' : ', '}<code>${tagOf(image)}</code>`)}`
}

function tagOf(image: string): string {
  return image.slice(image.lastIndexOf(':') + 1)
}

function timeOf(iso: string | undefined): Markup | undefined {
  if (iso === undefined) return undefined
  const text = `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`
  return html`<time datetime="${iso}">${text}</time>`
}

function tookText({ startedAt, endedAt, status }: BuildRecord, nowMs: number): string {
  if (startedAt === undefined || status === 'waiting') return ''
  const ms = (endedAt === undefined ? nowMs : Date.parse(endedAt)) - Date.parse(startedAt)
  const seconds = Math.max(0, ms) / 1000
  return seconds < 60 ? `${seconds.toFixed(1)} s` : `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`
}

function repositoryCard(repository: Repository, url: string | undefined): Markup {
  const { name, git, image, hook, rules } = repository
  return html`<section class="card"><h3><a href="/?repository=${name}">${name}</a></h3><dl>
<dt>Source</dt><dd><code>${git}</code></dd><dt>Image</dt><dd><code>${image}</code></dd>
<dt>Webhook</dt><dd>${hook === undefined ? 'none' : html`<code>${url ?? ''}/hooks/${name}</code> (${hook.host})`}</dd>
<dt>Rules</dt><dd><ul class="plain">${rules.map(ruleItem)}</ul></dd></dl></section>`
}

function ruleItem({ ref, dockerfile, context, imageTags, target }: Rule): Markup {
  const place = context === '' ? '' : ` in ${context}`
  const stage = target === undefined ? '' : `, stage ${target}`
  return html`<li>${ref.kind} <code>${ref.text}</code>: <code>${dockerfile}</code>${place}${stage} as ${imageTags.map((tag, i) => html`${i === 0 ? '' : ', '}<code>${tag}</code>`)}</li>`
}

/** The page of one build; `log` is its end, `isCut` says that there is more before it. */
export function buildPage(
  build: BuildRecord,
  { log, isCut, nowMs }: { readonly log: string; readonly isCut: boolean; readonly nowMs: number },
): string {
  const row = (name: string, value: Markup | string | undefined): Markup =>
    value === undefined || value === '' ? html`` : html`<dt>${name}</dt><dd>${value}</dd>`
  const pulls = build.images.map((image) => `docker pull ${image}`).join('\n')
  return page(
    `Build ${build.id}`,
    html`<dl>${row('Status', statusOf(build))}${row('Reason', build.message)}
${row('Repository', html`<a href="/?repository=${build.repository}">${build.repository}</a>`)}${row('Branch or tag', refName(build.ref))}
${row('Commit', html`<code>${build.commit}</code>`)}${row('Dockerfile', html`<code>${build.dockerfile}</code>`)}
${row('Image tags', tagList(build))}${row('Digest', build.digest && html`<code>${build.digest}</code>`)}
${row('Queued', timeOf(build.queuedAt))}${row('Started', timeOf(build.startedAt))}${row('Ended', timeOf(build.endedAt))}
${row('Took', tookText(build, nowMs))}</dl>
<h2>Pull</h2>
<pre tabindex="0">${pulls}</pre>
<h2 id="log">Log</h2>
${isEnded(build) ? undefined : html`<p>This build is not over. <a href="/builds/${build.id}#log">Load the page again</a></p>`}
${isCut ? html`<p>This is the end of it; <a href="/builds/${build.id}/log">the whole log</a> is plain text.</p>` : html`<p><a href="/builds/${build.id}/log">As plain text</a></p>`}
<pre class="log" tabindex="0" role="region" aria-labelledby="log">${log === '' ? 'Nothing yet.' : log}</pre>`,
    html`<p><a href="/">All builds</a></p>`,
  )
}

/** A page that says why there is no other. */
export function messagePage(title: string): string {
  return page(title, html`<p><a href="/">All builds</a></p>`, undefined)
}

function page(title: string, content: Markup, navigation: Markup | undefined): string {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} - wherry</title><link rel="stylesheet" href="/style.css"><link rel="icon" href="data:,"></head>
<body><a class="skip" href="#content">To the content</a>
<header><p>wherry autobuild</p>${navigation === undefined ? undefined : html`<nav aria-label="Pages">${navigation}</nav>`}</header>
<main id="content"><h1>${title}</h1>
${content}
</main>
<footer><p>Times are UTC.</p></footer>
</body></html>
`.markup
}
