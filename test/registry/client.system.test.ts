/** One suite on every registry: the embedded one and Debian's docker-registry. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { digestOf } from '../../src/core/digest.ts'
import { quietScope } from '../../src/core/scope.ts'
import { descriptorJson, documentOf } from '../../src/oci/image.ts'
import { mediaTypes } from '../../src/oci/media-types.ts'
import { createRegistryClient } from '../../src/registry/client.ts'
import { startDebianRegistry } from '../support/debian-registry.ts'
import { lacks, missingTools } from '../support/need.ts'
import { blobOf, pushTestImage, readAll, startEmbeddedRegistry } from '../support/registries.ts'

/** `toEqual` takes seconds for megabytes. */
function expectBytes(actual: Buffer, expected: Buffer): void {
  expect(actual.length).toBe(expected.length)
  expect(actual.equals(expected)).toBe(true)
}

interface Started {
  readonly address: string
  stop(): Promise<void>
}

function describeRegistry(name: string, start: () => Promise<Started>): void {
  describe(name, () => {
    const client = createRegistryClient({ env: {} })
    const scope = quietScope()
    let registry: Started
    const at = (repository: string): { registry: string; repository: string } => ({
      registry: registry.address,
      repository,
    })

    beforeAll(async () => {
      registry = await start()
    })
    afterAll(() => registry.stop())

    test('gives back what was pushed, by tag and by digest', async () => {
      const { manifest, layer } = await pushTestImage(client, at('a/b'), 'v1')
      expect(await client.resolve(at('a/b'), 'v1', scope)).toEqual(manifest.descriptor)
      expect(await client.resolve(at('a/b'), manifest.descriptor.digest, scope)).toEqual(manifest.descriptor)
      expect((await client.manifest(at('a/b'), 'v1', scope)).bytes).toEqual(manifest.bytes)
      expectBytes(await readAll(await client.blob(at('a/b'), layer.descriptor, scope)), layer.bytes)
    })

    test('resolves a missing tag and a missing repository to nothing', async () => {
      await pushTestImage(client, at('present'), 'here')
      expect(await client.resolve(at('present'), 'absent', scope)).toBeUndefined()
      expect(await client.resolve(at('absent'), 'latest', scope)).toBeUndefined()
    })

    test('says what is missing', async () => {
      await expect(client.manifest(at('absent'), 'v9', scope)).rejects.toMatchObject({
        code: 'registry',
        message: `${registry.address}/absent has no manifest "v9"`,
      })
      await expect(client.blob(at('absent'), blobOf(10).descriptor, scope)).rejects.toThrow(/reading the blob/)
      await expect(client.tags(at('absent'), scope)).rejects.toThrow(/listing the tags of .*absent failed/)
    })

    test.each([0, 1, 1000, 1024 * 1024, 1024 * 1024 + 1, 5_000_000])('carries a blob of %d bytes', async (size) => {
      const blob = blobOf(size)
      expect(await client.pushBlob(at('sizes'), blob, scope)).toBe('pushed')
      expect(await client.pushBlob(at('sizes'), blob, scope)).toBe('exists')
      expect(blob.opened).toBe(1)
      expectBytes(await readAll(await client.blob(at('sizes'), blob.descriptor, scope)), blob.bytes)
    })

    test('reads a blob from an offset', async () => {
      const blob = blobOf(300_000)
      await client.pushBlob(at('ranges'), blob, scope)
      const rest = await readAll(await client.blob(at('ranges'), blob.descriptor, scope, 123_456))
      expectBytes(rest, blob.bytes.subarray(123_456))
      expect(await readAll(await client.blob(at('ranges'), blob.descriptor, scope, 300_000))).toHaveLength(0)
    })

    test('mounts a blob from another repository without sending it', async () => {
      const { layer } = await pushTestImage(client, at('source'), 'v1')
      const again = { ...layer, mountFrom: ['source'] }
      expect(await client.pushBlob(at('mounted'), again, scope)).toBe('mounted')
      expectBytes(await readAll(await client.blob(at('mounted'), layer.descriptor, scope)), layer.bytes)
    })

    test('uploads a blob that cannot be mounted', async () => {
      const blob = { ...blobOf(50_000), mountFrom: ['nowhere', 'elsewhere'] }
      expect(await client.pushBlob(at('fallback'), blob, scope)).toBe('pushed')
    })

    test('tells progress up to the whole size', async () => {
      const seen: number[] = []
      const blob = { ...blobOf(3_000_000), onProgress: (sent: number) => void seen.push(sent) }
      await client.pushBlob(at('progress'), blob, scope)
      expect(seen.at(-1)).toBe(3_000_000)
      expect(seen).toEqual([...seen].sort((a, b) => a - b))
    })

    test('refuses bytes that do not match their digest', async () => {
      const blob = { ...blobOf(1000), open: () => blobOf(1000).open() }
      await expect(client.pushBlob(at('wrong'), blob, scope)).rejects.toMatchObject({ code: 'registry' })
    })

    test('refuses a source of another size than its descriptor', async () => {
      const blob = { ...blobOf(2_000_000), open: () => blobOf(1_999_999).open() }
      await expect(client.pushBlob(at('wrong'), blob, scope)).rejects.toMatchObject({ code: 'digest-mismatch' })
    })

    test('lists tags', async () => {
      for (const tag of ['one', 'two', 'three']) await pushTestImage(client, at('tagged'), tag)
      expect((await client.tags(at('tagged'), scope)).sort()).toEqual(['one', 'three', 'two'])
    })

    test('keeps an index and the exact bytes of its manifests', async () => {
      const { manifest } = await pushTestImage(client, at('multi'), 'part')
      const value = {
        schemaVersion: 2,
        mediaType: mediaTypes.ociIndex,
        manifests: [descriptorJson(manifest.descriptor)],
      }
      const index = documentOf(mediaTypes.ociIndex, Buffer.from(JSON.stringify(value, null, 3)))
      await client.pushManifest(at('multi'), 'all', index, scope)
      const read = await client.manifest(at('multi'), 'all', scope)
      expect(read.descriptor).toEqual(index.descriptor)
      expect(read.bytes).toEqual(index.bytes)
    })

    test('refuses a manifest whose layers are not there, with the words of the registry', async () => {
      const { manifest } = await pushTestImage(client, at('whole'), 'v1')
      const pushing = client.pushManifest(at('empty'), 'v1', manifest, scope)
      await expect(pushing).rejects.toThrow(/writing the manifest "v1" of .*\/empty failed: .*BLOB_UNKNOWN/)
    })

    test('a push that is cancelled ends as such', async () => {
      const controller = new AbortController()
      const blob = {
        ...blobOf(8_000_000),
        onProgress: () => controller.abort(),
      }
      await expect(client.pushBlob(at('cancelled'), blob, quietScope(controller.signal))).rejects.toMatchObject({
        code: 'cancelled',
      })
    })

    test('a pull that is cancelled ends as such', async () => {
      const blob = blobOf(8_000_000)
      await client.pushBlob(at('cancelled'), blob, scope)
      const controller = new AbortController()
      const stream = await client.blob(at('cancelled'), blob.descriptor, quietScope(controller.signal))
      stream.once('data', () => controller.abort())
      await expect(readAll(stream)).rejects.toThrow()
    })

    test('pushes many blobs at once', async () => {
      const blobs = Array.from({ length: 20 }, () => blobOf(200_000))
      const results = await Promise.all(blobs.map((blob) => client.pushBlob(at('many'), blob, scope)))
      expect(results).toEqual(blobs.map(() => 'pushed'))
      const read = await Promise.all(
        blobs.map(async (b) => readAll(await client.blob(at('many'), b.descriptor, scope))),
      )
      expect(read.map(digestOf)).toEqual(blobs.map((b) => b.descriptor.digest))
    })
  })
}

describeRegistry('embedded registry', startEmbeddedRegistry)

describe.skipIf(lacks('tools', missingTools('docker-registry')))('with docker-registry', () => {
  describeRegistry('docker-registry', startDebianRegistry)
})
