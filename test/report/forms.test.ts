/** Every form of one report, and that no name of a file gets out of its place. */
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { htmlReport } from '../../src/report/html.ts'
import { jsonReport } from '../../src/report/json.ts'
import { svgReport } from '../../src/report/svg.ts'
import { textReport } from '../../src/report/text.ts'
import { makeStyle } from '../../src/ui/style.ts'
import { hostileNames, sampleReport } from './sample.ts'

const assets = { script: 'show("</script>")', style: 'b{color:red}\n' }
const page = htmlReport(sampleReport(), assets)

test('the text', async () => {
  const text = textReport(sampleReport(), { columns: 100, style: makeStyle(false) })
  await expect(text).toMatchFileSnapshot('golden/report.txt')
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\u2028]/)
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100)
})

test('the page', async () => {
  await expect(page).toMatchFileSnapshot('golden/report.html.txt')
})

test('the picture', async () => {
  await expect(svgReport(sampleReport())).toMatchFileSnapshot('golden/report.svg.txt')
})

test('the JSON', async () => {
  await expect(jsonReport(sampleReport())).toMatchFileSnapshot('golden/report.json.txt')
})

test('scripts and styles of the page are those that its policy names', () => {
  const hash = (text: string | undefined): string => createHash('sha256').update(text!).digest('base64')
  const [, policy = ''] = /Content-Security-Policy" content="([^"]*)"/.exec(page) ?? []
  const scripts = [...page.matchAll(/<script[^>]*>(.*?)<\/script>/gs)]
  expect(scripts.map(([whole]) => whole.slice(0, 20))).toEqual(['<script type="applic', '<script>show("<\\/scr'])
  expect(policy.replaceAll('&#39;', "'")).toBe(
    `default-src 'none'; script-src 'sha256-${hash(scripts[1]?.[1])}'; style-src 'sha256-${hash(/<style>(.*?)<\/style>/s.exec(page)?.[1])}'; base-uri 'none'; form-action 'none'`,
  )
  expect(page).not.toMatch(/ (src|href)="(?!#main)| style="| on\w+="(?!alert)/)
})

test('names are data: none of them is markup', () => {
  const [, json = ''] = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(page) ?? []
  expect(json).not.toMatch(/[<>&]/)
  const data = JSON.parse(json) as { layers: { names: string[] }[] }
  for (const name of ['<!--', '<img src=x onerror=alert(2)>', '${alert(4)}', '__proto__', 'bytes-\\xff\\xfe'])
    expect(data.layers[1]?.names).toContain(name)
  expect(data.layers[1]?.names.length).toBe(hostileNames.length + 4)
  const elements = page.replace(/<(script|style)[^>]*>.*?<\/\1>/gs, '')
  expect(elements).not.toMatch(/<script|<img|<b>alert/)
  expect(svgReport(sampleReport())).not.toMatch(/<script/)
})

test('an image alone, a build alone, and nothing at all', () => {
  const { image, build } = sampleReport()
  const look = { columns: 80, style: makeStyle(true) }
  for (const report of [{ title: 'a', image: image! }, { title: 'b', build: build! }, { title: 'c' }]) {
    expect(htmlReport(report, assets)).toContain('</html>')
    expect(svgReport(report)).toContain('</svg>')
    expect(textReport(report, look)).toContain(report.title)
    expect(JSON.parse(jsonReport(report))).toMatchObject({ version: 1, title: report.title })
  }
})
