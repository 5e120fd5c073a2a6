/** Manifests with a subject, at registries that know the referrers API and at others. */
import { expect, test } from 'vitest'
import { quietScope } from '../../src/core/scope.ts'
import type { Digest } from '../../src/core/digest.ts'
import { type Document, descriptorJson, documentOf } from '../../src/oci/image.ts'
import { mediaTypes } from '../../src/oci/media-types.ts'
import { asks } from '../support/fault-proxy.ts'
import { useFaultyRegistry } from '../support/faulty-registry.ts'
import { blobOf, pushTestImage } from '../support/registries.ts'

const scope = quietScope()
const registry = useFaultyRegistry()
const empty = blobOf(Buffer.from('{}'), 'application/vnd.oci.empty.v1+json')

const artifact = (subject: Document, artifactType: string): Document =>
  documentOf(
    mediaTypes.ociManifest,
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: mediaTypes.ociManifest,
        artifactType,
        config: descriptorJson(empty.descriptor),
        layers: [descriptorJson(empty.descriptor)],
        subject: descriptorJson(subject.descriptor),
        annotations: { of: artifactType },
      }),
    ),
  )

const push = async (repository: string): Promise<{ subject: Document; tag: string; digests: Digest[] }> => {
  const { manifest: subject } = await pushTestImage(registry.direct, registry.behind(repository), 'v1')
  const client = registry.clientWith()
  await client.pushBlob(registry.at(repository), empty, scope)
  const artifacts = [artifact(subject, 'test/signature'), artifact(subject, 'test/sbom')]
  // The last one once more: it is listed once.
  for (const each of [...artifacts, ...artifacts.slice(1)]) {
    await client.pushManifest(registry.at(repository), each.descriptor.digest, each, scope)
  }
  const tag = subject.descriptor.digest.replace(':', '-')
  return { subject, tag, digests: artifacts.map(({ descriptor }) => descriptor.digest) }
}

test('are left to a registry that knows them', async () => {
  const { tag } = await push('knows')
  expect(await registry.direct.resolve(registry.behind('knows'), tag, scope)).toBeUndefined()
})

test('are listed under the fallback tag of one that does not', async () => {
  const hide = (headers: Record<string, unknown>): void => {
    delete headers['oci-subject']
  }
  registry.proxy.faults.push({ when: asks('PUT', /manifests/), times: 99, act: () => ({ headers: hide }) })
  const { tag, digests } = await push('old')
  const index = await registry.direct.manifest(registry.behind('old'), tag, scope)
  expect(JSON.parse(index.bytes.toString())).toMatchObject({
    mediaType: mediaTypes.ociIndex,
    manifests: [
      { digest: digests[0], artifactType: 'test/signature', annotations: { of: 'test/signature' } },
      { digest: digests[1], artifactType: 'test/sbom' },
    ],
  })
  expect(registry.lines(/^PUT .*manifests\/sha256-/)).toHaveLength(2)
})
