/** A garbage collection of a store that is served as a registry. */
import { expect, test } from 'vitest'
import { quietScope } from '../../src/core/scope.ts'
import { createRegistryServer } from '../../src/registry-server/server.ts'
import { createRegistryClient } from '../../src/registry/client.ts'
import { openStore } from '../../src/store/store.ts'
import { blobOf, pushTestImage, readAll } from '../support/registries.ts'
import { tempDir } from '../support/temp.ts'

test('keeps what manifests name, and what is on its way while the server runs; frees the rest afterwards', async () => {
  const scope = quietScope()
  const store = await openStore(tempDir())
  const client = createRegistryClient({ env: {} })
  const serve = async (): Promise<{ registry: string; close: () => Promise<void> }> => {
    const server = createRegistryServer({ store })
    const { host, port } = await server.listen({ host: '127.0.0.1', port: 0 })
    return { registry: `${host}:${port}`, close: () => server.close() }
  }
  const first = await serve()
  const { layer, manifest } = await pushTestImage(client, { registry: first.registry, repository: 'a/b' }, 'v1')
  const loose = blobOf(500)
  await client.pushBlob({ registry: first.registry, repository: 'a/b' }, loose, scope)
  expect(await store.collect({ usedBefore: Infinity, dryRun: false })).toMatchObject({ blobs: 0 })
  await first.close()
  expect(await store.collect({ usedBefore: Infinity, dryRun: false })).toMatchObject({ blobs: 1, bytes: 500 })
  const second = await serve()
  const repository = { registry: second.registry, repository: 'a/b' }
  expect(await client.resolve(repository, 'v1', scope)).toEqual(manifest.descriptor)
  expect((await readAll(await client.blob(repository, layer.descriptor, scope))).equals(layer.bytes)).toBe(true)
  expect(await client.pushBlob(repository, loose, scope)).toBe('pushed')
  await second.close()
})
