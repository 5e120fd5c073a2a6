/** Rows of `wherry images`. */
import { expect, it } from 'vitest'
import { digestOf } from '../../src/core/digest.ts'
import { sharedLayers, sizeOfAll } from '../../src/cli/image-facts.ts'
import { imageRows } from '../../src/cli/image-rows.ts'
import { imageFacts } from './image-facts.ts'

const now = Date.parse('2026-01-01T02:00:00Z')
const rowsOf = (facts: ReturnType<typeof imageFacts>) => imageRows(facts, { noTrunc: false, nowMs: now })

it('are one per name, in short form', () => {
  const rows = rowsOf(imageFacts(['docker.io/library/debian:12', 'localhost:5000/x:1']))
  expect(rows.map((row) => [row.Repository, row.Tag])).toEqual([
    ['debian', '12'],
    ['localhost:5000/x', '1'],
  ])
  expect(rows[0]).toMatchObject({ CreatedSince: '2 hours ago', Size: '1.23MB', ID: digestOf('id').slice(7, 19) })
  expect(rows[0]?.CreatedAt).toMatch(/^202[56]-\d\d-\d\d \d\d:00:00 [+-]\d{4} [A-Z]{3,5}$/)
})

it('show digests where they are known', () => {
  const digest = digestOf('there')
  const repoDigests = [`docker.io/library/debian@${digest}`]
  expect(rowsOf(imageFacts(['docker.io/library/debian:12'], { repoDigests }))[0]?.Digest).toBe(digest)
  expect(rowsOf(imageFacts([], { repoDigests }))).toMatchObject([
    { Repository: 'debian', Tag: '<none>', Digest: digest },
  ])
})

it('have <none> for what has no name', () => {
  expect(rowsOf(imageFacts([]))).toMatchObject([{ Repository: '<none>', Tag: '<none>', Digest: '<none>' }])
})

it('say what images share, and the sum counts it once', () => {
  const [base, own] = [
    { diffId: digestOf('base'), size: 1000 },
    { diffId: digestOf('own'), size: 20 },
  ]
  const images = [imageFacts([], { id: 'a', layers: [base] }), imageFacts([], { id: 'b', layers: [base, own] })]
  const shared = sharedLayers([...images, images[0]!])
  const rows = images.flatMap((facts) => imageRows(facts, { noTrunc: false, nowMs: now, shared }))
  expect(rows.map((row) => [row.Size, row.SharedSize, row.UniqueSize])).toEqual([
    ['1kB', '1kB', '0B'],
    ['1.02kB', '1kB', '20B'],
  ])
  expect(sizeOfAll(images)).toBe(1020)
})
