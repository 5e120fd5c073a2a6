/** Images between registries, layouts, archives and the store: byte for byte, as other tools see it. */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Digest, digestOf } from '../../src/core/digest.ts'
import { quietScope } from '../../src/core/scope.ts'
import { type Document, descriptorJson, documentOf, indexDocument } from '../../src/oci/image.ts'
import { mediaTypes } from '../../src/oci/media-types.ts'
import { hostPlatform, parsePlatform } from '../../src/oci/platform.ts'
import { parseReference } from '../../src/oci/reference.ts'
import { createRegistryClient } from '../../src/registry/client.ts'
import { copyImage } from '../../src/transfer/copy/copy.ts'
import { parsePlace } from '../../src/transfer/copy/place.ts'
import type { TransferDeps } from '../../src/transfer/deps.ts'
import { loadOutgoing } from '../../src/transfer/documents.ts'
import { pullImage } from '../../src/transfer/pull.ts'
import { pushImage } from '../../src/transfer/push.ts'
import { type DebianRegistry, startDebianRegistry } from '../support/debian-registry.ts'
import { lacks, missingTools } from '../support/need.ts'
import { blobOf } from '../support/registries.ts'
import { tempDir } from '../support/temp.ts'
import { run } from '../support/tools.ts'
import { buildTiny, newDeps } from './tiny.ts'

const scope = quietScope()
const platforms = ['linux/amd64', 'linux/arm64', 'linux/arm/v7']

/** A tar with one file. */
function layerOf(text: string): Buffer {
  const dir = tempDir()
  mkdirSync(join(dir, 'root'))
  writeFileSync(join(dir, 'root', 'file'), text)
  run('tar', '-C', join(dir, 'root'), '-czf', join(dir, 'layer.tar.gz'), 'file')
  return readFileSync(join(dir, 'layer.tar.gz'))
}

function diffIdOf(layer: Buffer): Digest {
  const dir = tempDir()
  writeFileSync(join(dir, 'layer.gz'), layer)
  run('gzip', '-d', join(dir, 'layer.gz'))
  return digestOf(readFileSync(join(dir, 'layer')))
}

/** Pushes an index of three platforms and something that is no image, written with spaces that nobody would write again. */
async function pushIndex(address: string, repository: string): Promise<Document> {
  const client = createRegistryClient({ env: {} })
  const name = { registry: address, repository }
  const members = []
  for (const text of platforms) {
    const platform = parsePlatform(text, hostPlatform())
    const bytes = layerOf(text)
    const layer = blobOf(bytes, mediaTypes.ociLayerGzip)
    const { os, architecture, variant } = platform
    const config = { architecture, os, variant, config: {}, rootfs: { type: 'layers', diff_ids: [diffIdOf(bytes)] } }
    const blob = blobOf(Buffer.from(JSON.stringify(config, null, 3)), mediaTypes.ociConfig)
    members.push({ platform, manifest: await pushManifest(client, name, { config: blob, layers: [layer] }) })
  }
  const note = {
    config: blobOf(Buffer.from('{}'), 'application/vnd.example.empty+json'),
    layers: [blobOf(100, 'text/plain')],
  }
  members.push({
    platform: { os: 'unknown', architecture: 'unknown' },
    manifest: await pushManifest(client, name, note),
  })
  const compact = indexDocument(
    members.map(({ platform, manifest }) => ({ ...manifest.descriptor, platform })),
    { annotations: { 'org.example.note': 'kept' }, docker: false },
  )
  const index = documentOf(
    mediaTypes.ociIndex,
    Buffer.from(JSON.stringify(JSON.parse(compact.bytes.toString()), null, 5)),
  )
  await client.pushManifest(name, 'latest', index, scope)
  return index
}

async function pushManifest(
  client: ReturnType<typeof createRegistryClient>,
  name: { readonly registry: string; readonly repository: string },
  {
    config,
    layers,
  }: { readonly config: ReturnType<typeof blobOf>; readonly layers: readonly ReturnType<typeof blobOf>[] },
): Promise<Document> {
  for (const blob of [config, ...layers]) await client.pushBlob(name, blob, scope)
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: descriptorJson(config.descriptor),
    layers: layers.map((layer) => descriptorJson(layer.descriptor)),
  }
  const document = documentOf(mediaTypes.ociManifest, Buffer.from(JSON.stringify(manifest, null, 1)))
  await client.pushManifest(name, document.descriptor.digest, document, scope)
  return document
}

const copy = (deps: TransferDeps, from: string, to: string, platform?: string): Promise<Digest> =>
  copyImage(
    {
      from: parsePlace(from, '/'),
      to: parsePlace(to, '/'),
      ...(platform === undefined ? {} : { platform: parsePlatform(platform, hostPlatform()) }),
    },
    { deps, scope },
  )

describe.skipIf(lacks('tools', missingTools('docker-registry', 'skopeo', 'tar', 'gzip')))('an index', () => {
  let debian: DebianRegistry
  let other: DebianRegistry

  beforeAll(async () => {
    debian = await startDebianRegistry()
    other = await startDebianRegistry()
  })
  afterAll(async () => {
    await debian.stop()
    await other.stop()
  })

  const inspectRaw = (place: string): string => run('skopeo', 'inspect', '--raw', '--tls-verify=false', place)
  const sha256 = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`

  test('of three platforms goes from registry to registry byte for byte, and within one without its blobs', async () => {
    const index = await pushIndex(debian.address, 'source')
    const deps = await newDeps()
    const there = `docker://${other.address}/target:1`
    expect(await copy(deps, `docker://${debian.address}/source`, there)).toBe(index.descriptor.digest)
    expect(inspectRaw(there)).toBe(index.bytes.toString())
    run('skopeo', 'copy', '-q', '--all', '--src-tls-verify=false', there, `oci:${tempDir()}:x`)
    await debian.requests()
    await copy(deps, `docker://${debian.address}/source`, `docker://${debian.address}/other:2`)
    const asked = await debian.requests()
    expect(asked.filter((line) => /^(PATCH|PUT) .*\/blobs\//.test(line))).toEqual([])
    expect(inspectRaw(`docker://${debian.address}/other:2`)).toBe(index.bytes.toString())
    expect(await deps.store.images.list()).toEqual([])
  })

  test('goes through every kind of place and comes back as it was', async () => {
    const index = await pushIndex(debian.address, 'chain')
    const deps = await newDeps()
    const dir = tempDir()
    const places = [
      `docker://${debian.address}/chain`,
      `oci:${dir}/layout:v1`,
      `oci-archive:${dir}/oci.tar:v1`,
      `docker-archive:${dir}/docker.tar:example.com/chain:v1`,
      'store:example.com/chain:v2',
      `docker-archive:${dir}/again.tar:v1`,
      `oci:${dir}/layout:v2`,
      `docker://${other.address}/chain:v1`,
    ]
    for (const [i, to] of places.slice(1).entries())
      expect(await copy(deps, places[i]!, to)).toBe(index.descriptor.digest)
    expect(inspectRaw(places.at(-1)!)).toBe(index.bytes.toString())
    for (const place of [`oci:${dir}/layout:v1`, `oci:${dir}/layout:v2`, `oci-archive:${dir}/oci.tar:v1`]) {
      expect(sha256(run('skopeo', 'inspect', '--raw', place))).toBe(index.descriptor.digest)
    }
    expect((await deps.store.images.resolve('example.com/chain:v2')).manifest.digest).toBe(index.descriptor.digest)
  })

  test('keeps its name in a folder that others are copied to at the same moment', async () => {
    await pushIndex(debian.address, 'crowd')
    const deps = await newDeps()
    const dir = tempDir()
    const names = ['a', 'b', 'c', 'd', 'e']
    await Promise.all(names.map((name) => copy(deps, `docker://${debian.address}/crowd`, `oci:${dir}/layout:${name}`)))
    const { manifests } = JSON.parse(readFileSync(join(dir, 'layout', 'index.json'), 'utf8')) as {
      readonly manifests: readonly { readonly annotations: Readonly<Record<string, string>> }[]
    }
    const kept = manifests.map(({ annotations }) => annotations['org.opencontainers.image.ref.name'])
    expect(kept.sort()).toEqual(names)
  })

  test('gives one platform where one is asked for', async () => {
    const index = await pushIndex(debian.address, 'narrow')
    const deps = await newDeps()
    const dir = tempDir()
    const digest = await copy(deps, `docker://${debian.address}/narrow`, `oci:${dir}:arm`, 'linux/arm/v7')
    expect(index.bytes.toString()).toContain(digest)
    expect(JSON.parse(run('skopeo', 'inspect', '--config', '--override-arch=arm', `oci:${dir}:arm`))).toMatchObject({
      architecture: 'arm',
      variant: 'v7',
    })
    const from = `docker://${debian.address}/narrow`
    await expect(copy(deps, from, `oci:${dir}:x`, 'linux/s390x')).rejects.toMatchObject({ code: 'platform-mismatch' })
  })

  test('what was built here leaves compressed, and has the same digest wherever it goes', async () => {
    const deps = await newDeps()
    await buildTiny(deps, 'built here', 'docker.io/library/built:1')
    const dir = tempDir()
    const digest = await copy(deps, 'store:built:1', `oci:${dir}/layout:1`)
    expect(await copy(deps, 'store:built:1', `docker://${debian.address}/built:1`)).toBe(digest)
    expect(await copy(deps, 'store:built:1', `docker-archive:${dir}/built.tar:built:1`)).toBe(digest)
    const seen = JSON.parse(run('skopeo', 'inspect', `oci:${dir}/layout:1`)) as { Digest: string }
    expect(seen.Digest).toBe(digest)
  })

  test('what was pulled with layers that are not compressed is pushed and saved as it came', async () => {
    const client = createRegistryClient({ env: {} })
    const dir = tempDir()
    writeFileSync(join(dir, 'file'), 'plain')
    run('tar', '-C', dir, '-cf', join(dir, 'layer.tar'), 'file')
    const layer = blobOf(readFileSync(join(dir, 'layer.tar')), mediaTypes.ociLayer)
    const rootfs = { type: 'layers', diff_ids: [layer.descriptor.digest] }
    const config = blobOf(
      Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs })),
      mediaTypes.ociConfig,
    )
    const name = { registry: debian.address, repository: 'plain' }
    const { descriptor, bytes } = await pushManifest(client, name, { config, layers: [layer] })
    await client.pushManifest(name, 'latest', { descriptor, bytes }, scope)
    const deps = await newDeps()
    const platform = parsePlatform('linux/amd64', hostPlatform())
    await pullImage({ name: `${debian.address}/plain:latest`, platform, policy: 'always' }, deps, scope)
    const stored = await deps.store.images.resolve(`${debian.address}/plain`)
    const reference = parseReference(`${other.address}/plain:1`)
    const pushed = await pushImage({ outgoing: await loadOutgoing(stored, deps.store), reference }, deps, scope)
    expect(pushed.digest).toBe(descriptor.digest)
    expect(await copy(deps, `store:${debian.address}/plain`, `oci:${dir}/layout:1`)).toBe(descriptor.digest)
  })

  test("skopeo's own archives are read, those of docker's old form too", async () => {
    const deps = await newDeps()
    await buildTiny(deps, 'for skopeo', 'docker.io/library/foreign:1')
    const dir = tempDir()
    await copy(deps, 'store:foreign:1', `oci:${dir}/layout:1`)
    const id = (await deps.store.images.resolve('foreign:1')).id
    for (const to of [`docker-archive:${dir}/old.tar:foreign:2`, `oci-archive:${dir}/oci.tar:2`]) {
      run('skopeo', 'copy', '-q', `oci:${dir}/layout:1`, to)
      const target = await newDeps()
      await copy(target, to, 'store:foreign:3')
      expect((await target.store.images.resolve('foreign:3')).id).toBe(id)
    }
  })
})

test.each([
  ['debian:12', /does not say where/],
  ['docker:debian', /does not say where/],
  ['oci:', /names nothing/],
  ['docker-daemon:debian:12', /no daemon/],
  ['containers-storage:x', /podman/],
  ['dir:/tmp/x', /skopeo/],
])('%s is no place', (text, says) => {
  expect(() => parsePlace(text, '/')).toThrow(says)
})

test('a path ends at the first colon or at a digest', () => {
  const digest = digestOf('x')
  expect(parsePlace('oci:a/b:c:d', '/r')).toEqual({ kind: 'folder', path: '/r/a/b', selector: 'c:d' })
  expect(parsePlace(`oci:a@${digest}`, '/r')).toEqual({ kind: 'folder', path: '/r/a', selector: digest })
  expect(parsePlace('oci-archive:a.tar', '/r')).toEqual({ kind: 'archive', form: 'oci', path: '/r/a.tar' })
})
