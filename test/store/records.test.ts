import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { digestOf, hexOf } from '../../src/core/digest.ts'
import type { Entry } from '../../src/oci/contents.ts'
import { contentsEncoder, decodeContents, encodeContents } from '../../src/store/contents-codec.ts'
import { formatLayerRecord, formatStepRecord, parseLayerRecord, parseStepRecord } from '../../src/store/formats.ts'
import { mergeLayerRecord } from '../../src/store/layers.ts'
import { digestsIn } from '../../src/store/mark.ts'

const latin1 = fc.array(fc.integer({ min: 0, max: 255 })).map((codes) => String.fromCharCode(...codes))

const entries = fc.array(
  fc.record(
    {
      path: latin1,
      type: fc.constantFrom('file', 'dir', 'symlink', 'hardlink', 'char', 'block', 'fifo', 'whiteout', 'opaque'),
      mode: fc.integer({ min: 0, max: 0o7777 }),
      uid: fc.nat(),
      gid: fc.nat(),
      size: fc.maxSafeNat(),
      mtime: fc.bigInt(-(2n ** 70n), 2n ** 70n),
      link: latin1,
      sha256: fc.constant(hexOf(digestOf('x'))),
      offset: fc.nat(),
      xattrs: fc.dictionary(latin1, latin1, { noNullPrototype: true }),
    },
    { requiredKeys: ['path', 'type', 'mode', 'uid', 'gid', 'size', 'mtime'] },
  ),
)

describe('contents lists', () => {
  test('come back as they were', () => {
    fc.assert(
      fc.property(entries, (list) => {
        expect(decodeContents(encodeContents(list))).toEqual(list)
      }),
    )
  })

  test('of devices too, and empty', () => {
    const device: Entry = {
      path: 'dev/null',
      type: 'char',
      mode: 0o666,
      uid: 0,
      gid: 0,
      size: 0,
      mtime: 0n,
      devMajor: 1,
      devMinor: 3,
    }
    expect(decodeContents(encodeContents([device]))).toEqual([device])
    expect(decodeContents(encodeContents([]))).toEqual([])
    expect(contentsEncoder().end()).toBe(encodeContents([]).toString())
  })

  test('are a miss when torn anywhere or zero-filled', () => {
    const whole = encodeContents([{ path: 'a', type: 'dir', mode: 0, uid: 0, gid: 0, size: 0, mtime: 1n }])
    for (let i = 0; i < whole.length - 1; i++) {
      expect(decodeContents(whole.subarray(0, i))).toBeUndefined()
      expect(decodeContents(Buffer.concat([whole.subarray(0, i), Buffer.alloc(whole.length - i)]))).toBeUndefined()
    }
  })
})

describe('records', () => {
  const step = { fidelity: 'exact', description: 'RUN x', createdAt: 'now' } as const
  const layer = { diffId: digestOf('d'), size: 3, forms: [], sources: [], fidelity: 'emulated' } as const

  test('come back as they were', () => {
    expect(parseStepRecord(formatStepRecord(step))).toEqual(step)
    expect(parseStepRecord(formatStepRecord({ ...step, diffId: layer.diffId }))?.diffId).toBe(layer.diffId)
    expect(parseLayerRecord(formatLayerRecord(layer))).toEqual(layer)
  })

  test('of another version, torn or strange are a miss', () => {
    const strange = ['', '{', '0', 'null', '[]', '{"version":1}', formatStepRecord(step).replace('1', '2')]
    for (const text of strange) {
      expect(parseStepRecord(text)).toBeUndefined()
      expect(parseLayerRecord(text)).toBeUndefined()
    }
    expect(parseStepRecord(JSON.stringify({ version: 1, ...step, diffId: 'sha256:../../x' }))).toBeUndefined()
  })

  test('merge: forms and sources unite, exact wins over emulated and stays', () => {
    const form = { mediaType: 'm', digest: digestOf('f'), size: 1 }
    const merged = mergeLayerRecord(layer, { diffId: layer.diffId, forms: [form, form], fidelity: 'exact' })
    expect(merged).toEqual({ ...layer, forms: [form], fidelity: 'exact' })
    expect(mergeLayerRecord(merged, { diffId: layer.diffId, fidelity: 'emulated' })).toEqual(merged)
    expect(mergeLayerRecord(layer, { diffId: layer.diffId }).fidelity).toBe('emulated')
  })
})

test('a document leads to its manifests, layers, config, subject, diffIDs and chainIDs', () => {
  const [a, b] = [digestOf('a'), digestOf('b')]
  expect(digestsIn({ layers: [{ digest: a }], config: { digest: b } })).toEqual([a, b])
  expect(digestsIn({ manifests: [{ digest: a }, { digest: 'bad' }, 3] })).toEqual([a])
  expect(digestsIn({ rootfs: { diff_ids: [a, b] } })).toEqual([a, b, a, digestOf(`${a} ${b}`)])
  for (const other of [null, 1, [], { layers: 'x' }]) expect(digestsIn(other)).toEqual([])
})
