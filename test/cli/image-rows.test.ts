/** Rows and filters of `wherry images`, and templates of `--format`. */
import { describe, expect, it } from 'vitest'
import { digestOf } from '../../src/core/digest.ts'
import { formatObjects } from '../../src/cli/format.ts'
import type { ImageFacts } from '../../src/cli/image-facts.ts'
import { imageRows, parseImageFilters } from '../../src/cli/image-rows.ts'
import { emptyConfig, withRuntime } from '../../src/oci/config.ts'

const now = Date.parse('2026-01-01T02:00:00Z')

function image(
  names: readonly string[],
  parts: { repoDigests?: string[]; labels?: Record<string, string> } = {},
): ImageFacts {
  const empty = emptyConfig({ os: 'linux', architecture: 'amd64' })
  return {
    image: {
      id: digestOf('id'),
      manifest: { mediaType: 'm', digest: digestOf('manifest'), size: 1 },
      names,
      repoDigests: parts.repoDigests ?? [],
      storedAt: '2026-01-01T00:00:00Z',
    },
    manifest: {
      mediaType: 'm',
      config: { mediaType: 'c', digest: digestOf('id'), size: 1 },
      layers: [],
      annotations: {},
      bytes: Buffer.alloc(0),
    },
    config: parts.labels ? withRuntime(empty, 'Labels', parts.labels) : empty,
    layers: [],
    size: 1_234_567,
    created: '2026-01-01T00:00:00Z',
  }
}

const rowsOf = (facts: ImageFacts) => imageRows(facts, { noTrunc: false, nowMs: now })

describe('rows', () => {
  it('are one per name, in short form', () => {
    const rows = rowsOf(image(['docker.io/library/debian:12', 'localhost:5000/x:1']))
    expect(rows.map((row) => [row.Repository, row.Tag])).toEqual([
      ['debian', '12'],
      ['localhost:5000/x', '1'],
    ])
    expect(rows[0]).toMatchObject({ CreatedSince: '2 hours ago', Size: '1.23MB', ID: digestOf('id').slice(7, 19) })
  })

  it('show digests where they are known', () => {
    const digest = digestOf('there')
    const [named] = rowsOf(
      image(['docker.io/library/debian:12'], { repoDigests: [`docker.io/library/debian@${digest}`] }),
    )
    expect(named?.Digest).toBe(digest)
    expect(rowsOf(image([], { repoDigests: [`docker.io/library/debian@${digest}`] }))).toMatchObject([
      { Repository: 'debian', Tag: '<none>', Digest: digest },
    ])
  })

  it('have <none> for what has no name', () => {
    expect(rowsOf(image([]))).toMatchObject([{ Repository: '<none>', Tag: '<none>', Digest: '<none>' }])
  })
})

describe('filters', () => {
  const named = image(['docker.io/me/app:1'], { labels: { tier: 'front' } })
  it.each<[string[], string | undefined, boolean]>([
    [[], undefined, true],
    [['dangling=false'], undefined, true],
    [['dangling=true'], undefined, false],
    [['label=tier'], undefined, true],
    [['label=tier=front'], undefined, true],
    [['label=tier=back'], undefined, false],
    [['reference=me/*'], undefined, true],
    [['reference=me/*:1'], undefined, true],
    [['reference=*'], undefined, false],
    [['reference=me/a?p:2'], undefined, false],
    [[], 'me/app', true],
    [[], 'docker.io/me/app:1', true],
    [[], 'me/app:2', false],
  ])('%j %s', (filters, name, shown) => {
    const filter = parseImageFilters(filters, name)
    expect(filter.image(named) && rowsOf(named).some(filter.row)).toBe(shown)
  })

  it('that nobody knows are refused', () => {
    expect(() => parseImageFilters(['before=x'], undefined)).toThrow('is not a filter')
  })
})

describe('templates', () => {
  const objects = [{ A: 'x', B: { C: [1] } }, { A: 'longer' }]
  it.each([
    ['json', '{"A":"x","B":{"C":[1]}}\n{"A":"longer"}\n'],
    ['{{.A}}!', 'x!\nlonger!\n'],
    ['{{json .B.C}} {{ .A }}', '[1] x\nnull longer\n'],
    ['{{.B.C}}', '[1]\n<no value>\n'],
    ['table {{.A}}\\t{{.A}}', 'A         A\nx         x\nlonger    longer\n'],
  ])('%s', (format, text) => {
    expect(formatObjects(objects, format)).toBe(text)
  })

  it('refuse what is not a field', () => {
    expect(() => formatObjects(objects, '{{range .A}}')).toThrow('more than fields')
  })
})
