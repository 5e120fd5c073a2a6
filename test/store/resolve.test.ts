import { expect, test } from 'vitest'
import type { Digest } from '../../src/core/digest.ts'
import type { StoredImage } from '../../src/store/contract.ts'
import { resolveImage } from '../../src/store/resolve.ts'

const digest = (hex: string): Digest => `sha256:${hex.padEnd(64, '0')}`

function image(id: string, names: readonly string[], more: Partial<StoredImage> = {}): StoredImage {
  const manifest = { mediaType: 'm', digest: digest(`f${id}`), size: 1 }
  return { id: digest(id), manifest, names, repoDigests: [], storedAt: '2026-01-01', ...more }
}

const web = image('abc1', ['docker.io/library/web:latest', 'localhost:5000/team/web:1.0'], {
  repoDigests: [`docker.io/library/web@${digest('99')}`],
})
const other = image('abd2', [])
const cafe = image('12', ['docker.io/library/abd2:latest'])
const images = [web, other, cafe]

test.each([
  ['web', web],
  ['web:latest', web],
  ['docker.io/library/web', web],
  ['localhost:5000/team/web:1.0', web],
  [digest('abc1'), web],
  ['abc1'.padEnd(64, '0'), web],
  ['abc', web],
  ['sha256:abc', web],
  [digest('fabc1'), web],
  ['fabc', web],
  [`web@${digest('99')}`, web],
  [`web@${digest('fabc1')}`, web],
  [`web:whatever@${digest('99')}`, web],
  ['abd2', cafe],
])('%s', (query, expected) => {
  expect(resolveImage(images, query)).toBe(expected)
})

test.each(['nothing', 'web:2', `web@${digest('77')}`, 'a', `other@${digest('99')}`, '', '../x', digest('5')])(
  'finds nothing for "%s"',
  (query) => {
    expect(() => resolveImage(images, query)).toThrow(expect.objectContaining({ code: 'image-not-found' }))
  },
)

test('the prefix of two ids is refused with both', () => {
  expect(() => resolveImage(images, 'ab')).toThrow(/beginning of 2 image ids/)
})

test('of two manifests with one config the one stored last is meant', () => {
  const gzip = image('abc1', [], { storedAt: '2026-02-01', manifest: { ...web.manifest, digest: digest('e') } })
  expect(resolveImage([web, gzip], digest('abc1'))).toBe(gzip)
})
