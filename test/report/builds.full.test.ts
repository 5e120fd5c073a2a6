/** Reports of real builds in a real browser: five stages, some at once; and WordPress with its database. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { type Server, createServer } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BuildReport } from '../../src/report/contract.ts'
import { type Builder, newBuilder, noStaticBusybox } from '../support/busybox-image.ts'
import { type Browser, noChromium, startBrowser } from '../support/chromium.ts'
import { lacks, noFullMap, noMirror, noRegistry, noUserNamespace, testRegistry } from '../support/need.ts'
import { type Home, fixtures, newHome } from '../support/wherry.ts'

const isUnfit = [
  lacks('userns', noUserNamespace()),
  lacks('tools', noStaticBusybox()),
  lacks('chromium', noChromium()),
].includes(true)
const isOffline = [
  lacks('mapped', noFullMap()),
  lacks('registry', noRegistry()),
  lacks('network', noMirror()),
].includes(true)

const fiveStages = [
  'FROM box AS base',
  'RUN echo base > /base && head -c 3000000 /dev/zero > /big',
  'FROM base AS assets',
  'RUN sleep 2 && echo css > /site.css',
  'FROM base AS app',
  'ENV MODE=production',
  'RUN sleep 2 && head -c 1000000 /dev/zero > /server',
  'FROM app AS check',
  'RUN sleep 1 && touch /checked',
  'FROM base',
  'COPY --from=assets /site.css /srv/',
  'COPY --from=app /server /srv/',
  'COPY --from=check /checked /srv/',
  'RUN rm /big && chmod 700 /srv/server',
]

/** Looks at a page in both widths and schemes; what is wrong with it. */
async function flaws({ page }: Browser, path: string, pictures: string): Promise<string[]> {
  const found: string[] = []
  for (const scheme of ['light', 'dark'] as const) {
    for (const width of [1280, 400]) {
      await page.view({ width, height: 900, scheme })
      const took = await page.open(`file://${path}`)
      if (took > 2000) found.push(`${width} ${scheme}: opened in ${took} ms`)
      const across = (await page.evaluate('document.documentElement.scrollWidth')) as number
      if (across > width) found.push(`${width} ${scheme}: is ${across} wide`)
      const picture = `${pictures}-${width}-${scheme}.png`
      await page.screenshot(picture)
      if ((await stat(picture)).size < 30_000) found.push(`${width} ${scheme}: is empty`)
    }
  }
  return [...found, ...page.complaints]
}

describe.skipIf(isUnfit)('reports of builds', () => {
  let builder: Builder
  let browser: Browser
  beforeAll(async () => {
    builder = await newBuilder()
    browser = await startBrowser()
  })
  afterAll(async () => {
    await browser.close()
    await builder.home.remove()
  })

  test('of five stages, of which two ran at once', async () => {
    const { home } = builder
    const html = join(home.dir, 'five.html')
    const ran = await builder.attempt(fiveStages, {}, ['-t', 'five', '--report', html])
    expect(ran.code, ran.stderr).toBe(0)
    const { build } = JSON.parse(await home.ok('report', 'five', '--json')) as { build: BuildReport }
    expect(build.stages.map(({ name, base, uses }) => [name, base, uses])).toEqual([
      ['base', 'box', []],
      ['assets', 'base', ['base']],
      ['app', 'base', ['base']],
      ['check', 'app', ['app']],
      ['4', 'base', ['base', 'assets', 'app', 'check']],
    ])
    const step = (text: string) => build.steps.find((one) => one.text.includes(text))!
    const [assets, app, check] = ['site.css &&', '/server', 'touch'].map((text, i) => step(i === 0 ? 'echo css' : text))
    expect(assets!.start).toBeLessThan(app!.end!)
    expect(app!.start).toBeLessThan(assets!.end!)
    expect(check!.start).toBeGreaterThanOrEqual(app!.end!)
    expect([app, check].map((one) => one?.isCritical)).toEqual([true, true])
    expect(await flaws(browser, html, join(home.dir, 'five'))).toEqual([])
    const shown = `document.querySelectorAll('.graph .node').length + ' ' + document.querySelectorAll('.timeline li.done').length`
    expect(await browser.page.evaluate(shown)).toBe('6 8')
    expect(await browser.page.evaluate(`document.querySelectorAll('tbody tr').length`)).toBe(2)
  })

  test('of one that failed', async () => {
    const html = join(builder.home.dir, 'failed.html')
    const ran = await builder.attempt([...fiveStages, 'RUN false'], {}, ['--report', html])
    expect(ran.code).toBe(1)
    expect(await flaws(browser, html, join(builder.home.dir, 'failed'))).toEqual([])
    const failed = `[...document.querySelectorAll('li.failed')].map((item) => item.querySelector('code').textContent)`
    expect(await browser.page.evaluate(failed)).toEqual(['RUN false'])
    // Those that were looked up; what a cached COPY took from was not.
    expect(await browser.page.evaluate(`document.querySelectorAll('li.cached').length`)).toBeGreaterThan(3)
  })

  describe.skipIf(isOffline)('on Debian', () => {
    let home: Home
    let server: Server
    let url = ''
    beforeAll(async () => {
      home = await newHome()
      await mkdir(join(home.dir, 'wordpress'))
      await writeFile(join(home.dir, 'wordpress', 'index.php'), '<?php echo "wordpress";\n')
      execFileSync('tar', ['-czf', join(home.dir, 'latest.tar.gz'), '-C', home.dir, 'wordpress'])
      const archive = await readFile(join(home.dir, 'latest.tar.gz'))
      server = createServer((_, answer) => answer.end(archive)).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const address = server.address()
      url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/latest.tar.gz`
    })
    afterAll(async () => {
      server.close()
      await home.remove()
    })

    test('of WordPress', async () => {
      const html = join(home.dir, 'wordpress.html')
      const args = ['--build-arg', `BASE=${testRegistry}/conformance/debian`, '--build-arg', `WORDPRESS_URL=${url}`]
      await home.ok('build', '-q', ...args, '-t', 'wordpress', '--report', html, join(fixtures, 'wordpress'))
      expect(await flaws(browser, html, join(home.dir, 'wordpress'))).toEqual([])
      expect(await browser.page.evaluate(`document.querySelectorAll('.layer').length`)).toBe(7)
      // The database that the package made and the step made anew.
      expect(await browser.page.evaluate(`document.querySelector('tbody tr').textContent`)).toMatch(/var\/lib\/mysql\//)
    })
  })
})
