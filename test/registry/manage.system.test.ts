/** Lists of repositories and deletions, at registries that do and do not delete by tag. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { quietScope } from '../../src/core/scope.ts'
import { createRegistryClient } from '../../src/registry/client.ts'
import { type DebianRegistry, startDebianRegistry } from '../support/debian-registry.ts'
import { lacks, missingTools } from '../support/need.ts'
import { type TestRegistry, pushTestImage, startEmbeddedRegistry } from '../support/registries.ts'

const client = createRegistryClient({ env: {}, retry: { tries: 1 } })
const scope = quietScope()

describe('at the embedded registry', () => {
  let registry: TestRegistry
  beforeAll(async () => {
    registry = await startEmbeddedRegistry()
  })
  afterAll(() => registry.stop())

  test('all repositories are listed, over several pages', async () => {
    const names = Array.from({ length: 3 }, (_, i) => `listed/n${i}`)
    for (const repository of names) await pushTestImage(client, { registry: registry.address, repository }, 'x')
    expect(await client.repositories(registry.address, scope)).toEqual(names)
  })

  test('a tag goes alone, a digest takes its tags along', async () => {
    const repository = { registry: registry.address, repository: 'gone' }
    const { manifest } = await pushTestImage(client, repository, 'one')
    await client.pushManifest(repository, 'two', manifest, scope)
    expect(await client.remove(repository, 'one', scope)).toBe(true)
    expect(await client.tags(repository, scope)).toEqual(['two'])
    expect(await client.remove(repository, manifest.descriptor.digest, scope)).toBe(true)
    expect(await client.resolve(repository, 'two', scope)).toBeUndefined()
    await expect(client.remove(repository, manifest.descriptor.digest, scope)).rejects.toMatchObject({
      code: 'registry',
    })
  })
})

describe.skipIf(lacks('tools', missingTools('docker-registry')))('at docker-registry', () => {
  let registry: DebianRegistry
  beforeAll(async () => {
    registry = await startDebianRegistry()
  })
  afterAll(() => registry.stop())

  test('a tag is not deleted by itself, and where nothing is deleted the setting is named', async () => {
    const repository = { registry: registry.address, repository: 'kept' }
    const { manifest } = await pushTestImage(client, repository, 'one')
    expect(await client.repositories(registry.address, scope)).toEqual(['kept'])
    expect(await client.remove(repository, 'one', scope)).toBe(false)
    await expect(client.remove(repository, manifest.descriptor.digest, scope)).rejects.toMatchObject({
      code: 'registry',
      hint: expect.stringContaining('REGISTRY_STORAGE_DELETE_ENABLED') as string,
    })
    expect(await client.tags(repository, scope)).toEqual(['one'])
  })
})
