/** The page's colours can be told apart: WCAG 2.2, contrast (minimum), level AA, in both schemes. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const css = readFileSync(join(import.meta.dirname, '../../src/report/page/style.css'), 'utf8')
const [light = '', dark = ''] = [...css.matchAll(/:root \{(.*?)\}/gs)].map(([, body]) => body)

function colours(block: string): Map<string, string> {
  return new Map([...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name = '', value = '']) => [name, value]))
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(a: string, b: string): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y)
  return (high + 0.05) / (low + 0.05)
}

/** What stands on what, as text. */
const texts = [
  ...['page', 'panel', 'track', 'accent-soft'].flatMap((under) => ['text', 'dim'].map((over) => [over, under])),
  ...['added', 'changed', 'deleted'].flatMap((mark) => [
    [mark, `${mark}-soft`],
    [mark, 'panel'],
    [mark, 'accent-soft'],
  ]),
  ['accent', 'panel'],
] as [string, string][]

/** Bars and outlines: 3 to 1. */
const shapes = [...['size', 'ran', 'critical', 'cached', 'failed', 'accent', 'dim'].map((over) => [over, 'panel'])] as [
  string,
  string,
][]

describe.each([
  ['light', light],
  ['dark', dark],
])('%s', (_scheme, block) => {
  const found = colours(block)
  it('has all colours', () => {
    expect([...found.keys()].sort()).toEqual([...colours(light).keys()].sort())
    expect(found.size).toBeGreaterThan(15)
  })
  it.each(texts)('%s on %s', (over, under) => {
    expect(contrast(found.get(over)!, found.get(under)!)).toBeGreaterThanOrEqual(4.5)
  })
  it.each(shapes)('%s beside %s', (over, under) => {
    expect(contrast(found.get(over)!, found.get(under)!)).toBeGreaterThanOrEqual(3)
  })
})
