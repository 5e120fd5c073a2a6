/** The pages: nothing that others wrote becomes markup. */
import { expect, it } from 'vitest'
import { parseConfig } from '../../src/autobuild/config.ts'
import type { BuildRecord } from '../../src/autobuild/contract.ts'
import { buildPage, listPage, messagePage } from '../../src/autobuild/web/pages.ts'

const evil = '"><script>alert(1)</script>&\''
const build: BuildRecord = {
  id: '000001',
  repository: evil,
  rule: 'k',
  ref: `refs/heads/${evil}`,
  images: [`r/app:${evil}`],
  dockerfile: evil,
  cause: 'push',
  status: 'failed',
  attempts: 1,
  commit: evil,
  message: evil,
  queuedAt: '2026-01-02T03:04:05.000Z',
  startedAt: '2026-01-02T03:04:05.000Z',
  endedAt: '2026-01-02T03:05:06.000Z',
}
const config = parseConfig({
  file: 'f',
  folder: '/',
  text: 'repositories: [{name: app, git: "https://h/a.git", image: r.io/app, rules: [{branch: main, dockerfile: "<b>"}]}]',
})

it('escape whatever comes from outside', () => {
  const nowMs = Date.parse('2026-01-02T04:00:00Z')
  for (const only of [undefined, evil]) {
    const list = listPage({ config, builds: [build], only, nowMs })
    expect(list).not.toMatch(/<script|<b>/)
    expect(list).toContain('1 min 1 s')
  }
  const page = buildPage(build, { log: evil, isCut: true, nowMs })
  expect(page).not.toContain('<script')
  expect(page).toContain('docker pull r/app:&quot;&gt;&lt;script&gt;')
  expect(messagePage(evil)).not.toContain('<script')
})
