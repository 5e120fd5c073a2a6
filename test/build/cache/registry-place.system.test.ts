/** A cache in a registry: what is sent to it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readRecordDocument, recordDocument } from '../../../src/build/cache/record.ts'
import { registryPlace } from '../../../src/build/cache/registry-place.ts'
import { type Digest, digestOf } from '../../../src/core/digest.ts'
import { quietScope } from '../../../src/core/scope.ts'
import { createRegistryClient } from '../../../src/registry/client.ts'
import type { RegistryClient } from '../../../src/registry/contract.ts'
import { openStore } from '../../../src/store/store.ts'
import { type TestRegistry, startEmbeddedRegistry } from '../../support/registries.ts'

describe('records that are written at the same time', () => {
  let registry: TestRegistry
  let root: string
  beforeAll(async () => {
    registry = await startEmbeddedRegistry()
    root = await mkdtemp(join(tmpdir(), 'wherry-place-'))
  })
  afterAll(async () => {
    await registry.stop()
    await rm(root, { recursive: true, force: true })
  })

  it('send a blob that they share once, and are all there', async () => {
    const sent: Digest[] = []
    const client = createRegistryClient({ env: {} })
    const counting: RegistryClient = {
      ...client,
      pushBlob: (repository, blob, scope) => {
        sent.push(blob.descriptor.digest)
        return client.pushBlob(repository, blob, scope)
      },
    }
    const cache = { kind: 'registry', registry: registry.address, repository: 'a/cache', tag: 'latest' } as const
    const place = registryPlace(cache, { store: await openStore(root), registry: counting })
    const record = { fidelity: 'exact', createdAt: '2026-01-02T03:04:05.678Z', description: 'RUN make' } as const
    const keys = ['a', 'b', 'c'].map((text) => digestOf(text))
    await Promise.all(keys.map((key) => place.putRecord(key, recordDocument(key, record), quietScope())))
    expect(sent).toHaveLength(1)
    for (const key of keys) expect(readRecordDocument(key, (await place.find(key, quietScope()))!)).toEqual(record)
  })
})
