/** The page in a real browser: it opens fast, complains of nothing, runs no file's name, and can be used with the keyboard alone. */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { digestOf } from '../../src/core/digest.ts'
import { bundledFile } from '../../src/host/bundle.ts'
import type { ContentsList } from '../../src/oci/contents.ts'
import type { Report } from '../../src/report/contract.ts'
import { htmlReport } from '../../src/report/html.ts'
import { imageReport } from '../../src/report/image.ts'
import { type Browser, type Page, noChromium, startBrowser } from '../support/chromium.ts'
import { lacks } from '../support/need.ts'
import { entry, file, hostileNames, sampleReport } from './sample.ts'

/** 50,000 files in three layers, 500 in one folder, some of them deleted or changed later. */
function largeReport(): Report {
  const name = (i: number): string => `usr/lib/node_modules/package-${Math.floor(i / 500)}/dist/module-${i}.js`
  const files = Array.from({ length: 50_000 }, (_, i) => file(name(i), 100 + (i % 9000)))
  const layers: ContentsList[] = [
    files.slice(0, 40_000),
    [...files.slice(40_000), ...files.slice(0, 2000).map((one) => ({ ...one, mode: 0o600 }))],
    [entry('whiteout', 'usr/lib/node_modules/package-3'), ...hostileNames.map((one) => file(`srv/${one}`, 10))],
  ]
  const config = {
    raw: {
      architecture: 'amd64',
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: layers.map((_, i) => digestOf(`${i}`)) },
      history: layers.map((_, i) => ({
        created_by: `RUN install ${i} </script><script>document.title='owned'</script>`,
      })),
    },
  }
  const image = imageReport({
    names: ['me/large:latest'],
    id: digestOf('large'),
    config,
    layers: layers.map((contents) => ({ contents, size: contents.length * 5000 })),
  })
  return { ...sampleReport(), title: 'me/large:latest', image }
}

describe.skipIf(lacks('chromium', noChromium()))('the page of a report', () => {
  let browser: Browser
  let page: Page
  let dir: string
  let large: string
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'wherry-page-'))
    const [script = '', style = ''] = await Promise.all(
      ['report-page.js', 'report-page.css'].map((name) => readFile(bundledFile(name), 'utf8')),
    )
    large = join(dir, 'large.html')
    await writeFile(large, htmlReport(largeReport(), { script, style }))
    browser = await startBrowser()
    page = browser.page
    await page.view({ width: 1280, height: 900, scheme: 'light' })
  })
  afterAll(async () => {
    await browser.close()
    await rm(dir, { recursive: true })
  })
  const open = (): Promise<number> => page.open(`file://${large}`)
  const evaluate = (expression: string): Promise<unknown> => page.evaluate(expression)
  const activeName = (): Promise<unknown> =>
    evaluate(
      `document.getElementById(document.getElementById('tree').getAttribute('aria-activedescendant'))?.getAttribute('aria-label')`,
    )
  const toTree = (): Promise<unknown> => evaluate(`document.getElementById('tree').focus()`)

  test('opens in under two seconds with 50,000 files, and holds few elements', async () => {
    await page.open('about:blank')
    expect(await open()).toBeLessThan(2000)
    expect(await evaluate(`document.getElementById('tree').querySelectorAll('.line').length`)).toBeLessThan(100)
  })

  test.each([
    [1280, 'light'],
    [1280, 'dark'],
    [400, 'light'],
    [400, 'dark'],
  ] as const)('fits %i pixels in a %s scheme', async (width, scheme) => {
    await page.view({ width, height: 900, scheme })
    await open()
    expect(await evaluate(`document.documentElement.scrollWidth`)).toBeLessThanOrEqual(width)
    const background = await evaluate(`getComputedStyle(document.body).backgroundColor`)
    const [red = 0] = /\d+/.exec(String(background)) ?? []
    expect(Number(red) > 128).toBe(scheme === 'light')
    const picture = join(dir, `${width}-${scheme}.png`)
    await page.screenshot(picture)
    expect((await stat(picture)).size).toBeGreaterThan(30_000)
    await page.view({ width: 1280, height: 900, scheme: 'light' })
  })

  test('shows names of files and instructions as text', async () => {
    await open()
    await toTree()
    await page.press('ArrowRight')
    expect(await activeName()).toMatch(/^srv, folder/)
    await page.press('ArrowRight')
    expect(await evaluate(`document.title`)).toBe('me/large:latest – wherry report')
    expect(await evaluate(`document.querySelectorAll('script').length + ':' + document.images.length`)).toBe('2:0')
    const shown = await evaluate(`[...document.querySelectorAll('#tree .name')].map((name) => name.textContent)`)
    for (const name of ['<!--', '<img src=x onerror=alert(2)>', 'bytes-\\xff\\xfe', '__proto__', 'line\\nbreak'])
      expect(shown).toContain(name)
  })

  test('every control is reached with Tab, and shows that it has the focus', async () => {
    await open()
    const reached: string[] = []
    for (let i = 0; i < 30; i++) {
      await page.press('Tab')
      const at = (await evaluate(`(() => {
        const element = document.activeElement
        if (element === document.body) return 'body'
        const { outlineStyle, outlineWidth } = getComputedStyle(element)
        const line = getComputedStyle(element.querySelector('[aria-selected=true]') ?? element)
        const isSeen = outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 || line.outlineStyle !== 'none'
        return (element.id || element.className || element.tagName) + (isSeen ? '' : ' UNSEEN')
      })()`)) as string
      reached.push(at)
    }
    expect(reached.filter((name) => name.includes('UNSEEN'))).toEqual([])
    const order = ['skip', 'layer', 'layer', 'layer', 'search']
    expect(reached.slice(0, 5)).toEqual(order)
    expect(reached).toContain('tree')
    expect(reached).toContain('link')
  })

  test('the tree is walked with the keyboard', async () => {
    await open()
    await toTree()
    await page.press('Home')
    expect(await activeName()).toMatch(/^Layer 1: RUN install 0 <\/script>/)
    await page.press('ArrowRight')
    expect(await activeName()).toMatch(/^Layer 1/)
    await page.press('ArrowRight')
    expect(await activeName()).toBe('usr, folder, 174MB')
    await page.press('p')
    expect(await activeName()).toMatch(/^package-0, folder/)
    await page.press('End')
    expect(await activeName()).toMatch(/^usr, folder/)
    await page.press('Home')
    await page.press('ArrowLeft')
    await page.press('ArrowDown')
    expect(await activeName()).toMatch(/^Layer 2/)
    const isSeen = await evaluate(`(() => {
      const tree = document.getElementById('tree').getBoundingClientRect()
      const line = document.querySelector('[aria-selected=true]').getBoundingClientRect()
      return line.top >= tree.top - 1 && line.bottom <= tree.bottom + 1
    })()`)
    expect(isSeen).toBe(true)
  })

  test('a search finds files of all layers quickly', async () => {
    await open()
    await evaluate(`document.getElementById('search').focus()`)
    await page.type('module-4999')
    const found = `new Promise((done) => {
      const began = performance.now()
      const look = () => document.getElementById('found').textContent !== '' ? done([document.getElementById('found').textContent, performance.now() - began]) : setTimeout(look, 5)
      look()
    })`
    const [text, took] = (await evaluate(found)) as [string, number]
    // 4999, and 49990 to 49999.
    expect(text).toBe('11 found in all layers')
    expect(took).toBeLessThan(1000)
    expect(await evaluate(`document.querySelectorAll('#tree [aria-level]').length`)).toBeGreaterThan(11)
  })

  test('the largest can come first', async () => {
    await open()
    await evaluate(`document.querySelector('.layer').click()`)
    const folders = `[...document.querySelectorAll('#tree [aria-level="5"]')].map((line) => line.getAttribute('aria-label'))`
    expect(((await evaluate(folders)) as string[])[0]).toMatch(/^package-0,/)
    await evaluate(`document.getElementById('order').click()`)
    expect(((await evaluate(folders)) as string[])[0]).toMatch(/^package-17,/)
  })

  test('a wasted file leads to its place', async () => {
    await open()
    await evaluate(`document.querySelector('.link').focus()`)
    const path = await evaluate(`document.activeElement.dataset.path.split('/').at(-1)`)
    await page.press('Enter')
    expect(await activeName()).toContain(path)
    expect(await evaluate(`document.activeElement.id`)).toBe('tree')
  })

  test('who cannot see it is told the same', async () => {
    await open()
    const nodes = await page.accessible()
    const names = (role: string): string[] => nodes.filter((node) => node.role === role).map(({ name }) => name)
    expect(names('tree')).toEqual(['Files'])
    expect(names('treeitem')).toContainEqual(expect.stringMatching(/^usr, folder/))
    expect(names('searchbox')).toEqual(['Search'])
    expect(names('heading')).toEqual([
      'me/large:latest',
      'Layers',
      'Files',
      'Wasted space',
      'Build',
      'Stages',
      'Timeline',
      'Moved meanwhile',
    ])
    expect(names('image')[0]).toMatch(/build is built on deps/)
    expect(names('button').every((name) => name !== '')).toBe(true)
  })

  test('nothing was complained of, in all of this', () => {
    expect(page.complaints).toEqual([])
  })
})
