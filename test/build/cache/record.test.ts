/** Shared step records as manifests: what is written is read, and nothing else is. */
import { describe, expect, test } from 'vitest'
import {
  type SharedRecord,
  contentsType,
  listRecord,
  readRecordDocument,
  recordDocument,
  recordTag,
} from '../../../src/build/cache/record.ts'
import { digestOf } from '../../../src/core/digest.ts'
import { documentOf } from '../../../src/oci/image.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'

const key = digestOf('key')
const diffId = digestOf('layer')
const record: SharedRecord = { fidelity: 'exact', createdAt: '2026-01-02T03:04:05.678Z', description: 'RUN make' }
const layer = {
  blob: { mediaType: mediaTypes.ociLayerGzip, digest: digestOf('blob'), size: 12 },
  size: 2048,
  contents: { mediaType: contentsType, digest: digestOf('list'), size: 3 },
}
const over = digestOf('below')
const withLayer: SharedRecord = { ...record, diffId, over, layer }

/** The record's manifest, edited as text. */
function edited(edit: (text: string) => string): ReturnType<typeof documentOf> {
  return documentOf(mediaTypes.ociManifest, Buffer.from(edit(recordDocument(key, withLayer).bytes.toString())))
}

describe('a shared record', () => {
  test.each([
    ['with a layer', withLayer],
    ['without one', record],
    ['of a contents list', listRecord(layer.contents)],
    ['without a contents list', { ...withLayer, layer: { blob: layer.blob } }],
    ['of a mode that cannot keep owners', { ...withLayer, fidelity: 'emulated' as const }],
  ])('%s is read as it was written', (_what, written) => {
    expect(readRecordDocument(key, recordDocument(key, written))).toEqual(written)
  })

  test.each<[string, (text: string) => string]>([
    ['of another step', (text) => text.replaceAll(key, digestOf('other'))],
    ['with the layer of another step', (text) => text.replace(key, digestOf('other'))],
    ['without a key', (text) => text.replaceAll('dev.wherry.cache.key', 'x')],
    ['over what is no digest', (text) => text.replace(over, 'sha256:1')],
    ['with an unknown fidelity', (text) => text.replace('"exact"', '"perhaps"')],
    ['without a time', (text) => text.replace('2026-01-02T03:04:05.678Z', 'yesterday')],
    ['whose diffID is none', (text) => text.replace(diffId, 'sha256:1')],
    ['whose layer is no layer', (text) => text.replace(mediaTypes.ociLayerGzip, 'text/plain')],
    ['whose plain layer is another one', (text) => text.replace(mediaTypes.ociLayerGzip, mediaTypes.ociLayer)],
    ['that was cut', (text) => text.slice(0, -9)],
  ])('%s is none', (_what, edit) => {
    expect(() => readRecordDocument(key, edited(edit))).toThrow(expect.objectContaining({ name: 'WherryError' }))
  })

  test('has a tag of its own in its cache, which registries take', () => {
    const names = ['latest', 'main', 'x'.repeat(128)]
    const tags = names.flatMap((name) => [recordTag(name, key), recordTag(name, diffId)])
    expect(new Set(tags).size).toBe(6)
    for (const tag of tags) expect(tag).toMatch(/^\w[\w.-]{0,127}$/)
  })
})
