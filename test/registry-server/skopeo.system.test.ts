/** skopeo as judge of the embedded registry. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createRegistryClient } from '../../src/registry/client.ts'
import { lacks, missingTools } from '../support/need.ts'
import { type TestRegistry, blobOf, pushTestImage, startEmbeddedRegistry } from '../support/registries.ts'
import { tempDir } from '../support/temp.ts'
import { gzipSync } from 'node:zlib'
import { mediaTypes } from '../../src/oci/media-types.ts'

const skopeo = async (...args: string[]): Promise<string> =>
  (await promisify(execFile)('skopeo', ['--insecure-policy', ...args])).stdout

describe.skipIf(lacks('tools', missingTools('skopeo')))('skopeo', () => {
  const client = createRegistryClient({ env: {} })
  let registry: TestRegistry
  beforeAll(async () => {
    registry = await startEmbeddedRegistry()
  })
  afterAll(() => registry.stop())

  /** An image whose only layer is an empty tar. */
  const push = async (repository: string): ReturnType<typeof pushTestImage> => {
    const layer = blobOf(gzipSync(Buffer.alloc(10_240)), mediaTypes.ociLayerGzip)
    return pushTestImage(client, { registry: registry.address, repository }, 'v1', layer)
  }

  test('inspects what was pushed', async () => {
    const { manifest } = await push('inspected')
    const raw = await skopeo('inspect', '--tls-verify=false', `docker://${registry.address}/inspected:v1`)
    expect(JSON.parse(raw)).toMatchObject({ Digest: manifest.descriptor.digest, RepoTags: ['v1'] })
  })

  test('copies out of it, into it and within it, all digests kept', async () => {
    const { manifest } = await push('original')
    const dir = tempDir()
    const at = (name: string): string => `docker://${registry.address}/${name}:v1`
    await skopeo('copy', '--src-tls-verify=false', at('original'), `oci:${dir}/oci:v1`)
    await skopeo('copy', '--dest-tls-verify=false', '--preserve-digests', `oci:${dir}/oci:v1`, at('pushed/deep'))
    await skopeo('copy', '--src-tls-verify=false', '--dest-tls-verify=false', at('pushed/deep'), at('mounted'))
    await skopeo('copy', '--src-tls-verify=false', at('mounted'), `dir:${dir}/plain`)
    expect((await readFile(join(dir, 'plain', 'manifest.json'))).equals(manifest.bytes)).toBe(true)
    const listed = await skopeo('list-tags', '--tls-verify=false', `docker://${registry.address}/mounted`)
    expect(JSON.parse(listed)).toMatchObject({ Tags: ['v1'] })
    expect(registry.failures).toEqual([])
  })

  test('deletes from it', async () => {
    await push('deleted')
    await skopeo('delete', '--tls-verify=false', `docker://${registry.address}/deleted:v1`)
    await expect(skopeo('inspect', '--tls-verify=false', `docker://${registry.address}/deleted:v1`)).rejects.toThrow()
  })
})
