/** Layers in several compressions, in a real store. */
import { describe, expect, test } from 'vitest'
import { quietScope } from '../../src/core/scope.ts'
import { portableForm } from '../../src/transfer/portable.ts'
import { lacks, missingTools } from '../support/need.ts'
import { buildTiny, newDeps } from './tiny.ts'

describe.skipIf(lacks('tools', missingTools('zstd')))('a layer', () => {
  const wanted = (type: 'gzip' | 'zstd' | 'none', level?: number) => ({
    type,
    ...(level === undefined ? {} : { level }),
  })

  test('is compressed once in each way, and each form is remembered with its level', async () => {
    const deps = await newDeps()
    const { image } = await buildTiny(deps, 'forms', 'forms')
    const [layer] = image.layers
    const form = (compression?: ReturnType<typeof wanted>) => {
      const packing = { force: false, docker: false, ...(compression && { compression }) }
      return portableForm(layer!, { image, packing }, { deps, scope: quietScope() })
    }
    const zstd = await form(wanted('zstd'))
    const gzip = await form()
    expect([zstd.mediaType, gzip.mediaType].map((t) => t.split('+')[1])).toEqual(['zstd', 'gzip'])
    const best = await form(wanted('gzip', 9))
    await form(wanted('zstd', 19))
    expect(await form(wanted('none'))).toEqual(layer!.blob)
    const before = (await deps.store.layers.get(layer!.diffId))?.forms.length
    expect([await form(wanted('zstd')), await form(), await form(wanted('gzip', 9))]).toEqual([zstd, gzip, best])
    expect((await deps.store.layers.get(layer!.diffId))?.forms).toHaveLength(before!)
    for (const blob of [zstd, gzip, best]) expect(Object.keys(blob)).not.toContain('annotations')
  })

  test('of which only a compressed form is here is made plain, and compressed otherwise', async () => {
    const deps = await newDeps()
    const { image } = await buildTiny(deps, 'plain', 'plain')
    const layer = image.layers[0]!
    const packing = { compression: wanted('gzip'), force: false, docker: false }
    const gzip = await portableForm(layer, { image, packing }, { deps, scope: quietScope() })
    await deps.store.blobs.remove(layer.diffId)
    const packed = { ...layer, blob: gzip }
    const from = { image: { ...image, layers: [packed] }, packing: { ...packing, compression: wanted('zstd') } }
    const zstd = await portableForm(packed, from, { deps, scope: quietScope() })
    expect(zstd.mediaType).toContain('zstd')
    expect(await deps.store.blobs.sizeOf(layer.diffId)).toBe(layer.blob.size)
    // What the base has stays as it is, unless it is forced.
    const asBase = { ...from, baseLayers: 1 }
    expect(await portableForm(packed, asBase, { deps, scope: quietScope() })).toBe(gzip)
    const forced = { ...asBase, packing: { ...from.packing, force: true } }
    expect(await portableForm(packed, forced, { deps, scope: quietScope() })).toEqual(zstd)
  })
})
