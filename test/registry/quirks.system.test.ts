/** What single registries do in their own way, reproduced: Azure, Google, Amazon, Quay, Harbor and their storage behind redirects. */
import { describe, expect, test } from 'vitest'
import { quietScope } from '../../src/core/scope.ts'
import { mediaTypes } from '../../src/oci/media-types.ts'
import { asks, respond, startFaultProxy } from '../support/fault-proxy.ts'
import { useFaultyRegistry } from '../support/faulty-registry.ts'
import { blobOf, pushTestImage, readAll } from '../support/registries.ts'

const scope = quietScope()
const registry = useFaultyRegistry()

describe('token services', () => {
  test.each([404, 405])('without OAuth2, which answer its POST by %d, are asked by GET', async (status) => {
    await pushTestImage(registry.direct, registry.behind('app'), 'v1')
    const realm = await startFaultProxy(registry.upstream.address)
    try {
      realm.faults.push({ when: asks('POST', /oauth/), times: 9, act: respond(status) })
      realm.faults.push({ when: asks('GET', /oauth/), times: 9, act: respond(200, {}, '{"access_token":"unknown"}') })
      registry.proxy.auth = { kind: 'bearer', realm: `http://${realm.address}/oauth` }
      const client = registry.clientWith({ username: 'u', password: 'p', identityToken: 'identity' })
      await expect(client.resolve(registry.at('app'), 'v1', scope)).rejects.toMatchObject({ code: 'auth-failed' })
      expect(realm.seen.slice(0, 2).map(({ line }) => line.split(/[ ?]/).slice(0, 2).join(' '))).toEqual([
        'POST /oauth',
        'GET /oauth',
      ])
      expect(realm.seen[1]?.authorization).toMatch(/^Basic /)
    } finally {
      await realm.close()
    }
  })

  test('that read only the first scope are given first what the challenge asked for', async () => {
    registry.proxy.auth = { kind: 'bearer' }
    const scopeAsked = 'scope="repository:other/cache:pull"'
    registry.proxy.faults.push({
      when: asks('HEAD', /manifests/),
      times: 1,
      act: respond(401, {
        'www-authenticate': `Bearer realm="http://${registry.proxy.address}/token",service="test",${scopeAsked}`,
      }),
    })
    await registry.clientWith().resolve(registry.at('app'), 'v1', scope)
    expect(registry.proxy.tokenRequests.at(-1)?.scopes).toEqual(['repository:other/cache:pull', 'repository:app:pull'])
  })
})

describe('a registry that does not see a blob while others push it', () => {
  const unknown = respond(400, {}, '{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown to registry"}]}')

  test('is given the manifest again', async () => {
    registry.proxy.faults.push({ when: asks('PUT', /manifests/), times: 2, act: unknown })
    const { manifest } = await pushTestImage(registry.clientWith(), registry.at('seen'), 'v1')
    expect((await registry.direct.manifest(registry.behind('seen'), 'v1', scope)).descriptor.digest).toBe(
      manifest.descriptor.digest,
    )
  })

  test('and never does is believed in the end', async () => {
    registry.proxy.faults.push({ when: asks('PUT', /manifests/), times: 99, act: unknown })
    const pushed = pushTestImage(registry.clientWith(), registry.at('unseen'), 'v1')
    await expect(pushed).rejects.toThrow('blob unknown to registry (MANIFEST_BLOB_UNKNOWN)')
  })
})

describe('storage behind a redirect', () => {
  test('that wants a token of its own gets one that was asked for as nobody', async () => {
    const blob = blobOf(5000)
    await registry.direct.pushBlob(registry.behind('cdn'), blob, scope)
    const storage = await startFaultProxy(registry.upstream.address)
    try {
      storage.auth = { kind: 'bearer' }
      registry.proxy.auth = { kind: 'basic', username: 'u', password: 'secret' }
      const location = `http://${storage.address}/v2/cdn/blobs/${blob.descriptor.digest}`
      registry.proxy.faults.push({ when: asks('GET', /blobs/), times: 9, act: respond(307, { location }) })
      const client = registry.clientWith({ username: 'u', password: 'secret' })
      const read = await readAll(await client.blob(registry.at('cdn'), blob.descriptor, scope))
      expect(read.equals(blob.bytes)).toBe(true)
      expect(storage.tokenRequests).toHaveLength(1)
      expect(storage.seen.map(({ authorization }) => authorization ?? 'nobody')).toEqual(['nobody', 'Bearer token-1'])
    } finally {
      await storage.close()
    }
  })
})

describe('uploads', () => {
  test('begin with the question whether the blob is there, and then send nothing', async () => {
    const blob = blobOf(5000)
    await registry.direct.pushBlob(registry.behind('ecr'), blob, scope)
    expect(await registry.clientWith().pushBlob(registry.at('ecr'), blob, scope)).toBe('exists')
    expect(registry.lines(/blobs/)).toEqual([`HEAD /v2/ecr/blobs/${blob.descriptor.digest}`])
  })

  test('never ask to mount from nowhere, which Quay refuses', async () => {
    const client = registry.clientWith()
    await client.pushBlob(registry.at('quay'), blobOf(5000), scope)
    await client.pushBlob(registry.at('quay'), { ...blobOf(5000), mountFrom: ['a/b'] }, scope)
    expect(registry.lines(/^POST/)[0]).toBe('POST /v2/quay/blobs/uploads/')
    expect(registry.lines(/mount=/).every((line) => line.includes('&from=a%2Fb'))).toBe(true)
    expect(registry.lines(/mount=/)).toHaveLength(1)
  })

  test.each([400, 401, 403, 404, 405])('go on without the mount where that is answered by %d', async (status) => {
    const blob = { ...blobOf(5000), mountFrom: ['elsewhere'] }
    registry.proxy.faults.push({ when: asks('POST', /mount=/), times: 9, act: respond(status) })
    expect(await registry.clientWith().pushBlob(registry.at(`mount-${status}`), blob, scope)).toBe('pushed')
  })

  test('are one PATCH of the whole, since Amazon wants parts of its own sizes', async () => {
    await registry.clientWith().pushBlob(registry.at('whole'), blobOf(12_000_000), scope)
    expect(registry.lines(/^(POST|PATCH|PUT)/).map((line) => line.split(' ')[0])).toEqual(['POST', 'PATCH', 'PUT'])
  })

  test.each(['TOOMANYREQUESTS', 'UNAVAILABLE', 'BLOB_UPLOAD_UNKNOWN'])(
    'are tried again after a 400 that says %s',
    async (code) => {
      const body = JSON.stringify({ errors: [{ code }] })
      registry.proxy.faults.push({ when: asks('PUT', /uploads/), times: 1, act: respond(400, {}, body) })
      expect(await registry.clientWith().pushBlob(registry.at('again'), blobOf(5000), scope)).toBe('pushed')
    },
  )

  test('wait as long as a 429 with Retry-After asks', async () => {
    registry.proxy.faults.push({ when: asks('POST', /uploads/), times: 1, act: respond(429, { 'retry-after': '1' }) })
    const begin = Date.now()
    expect(await registry.clientWith().pushBlob(registry.at('later'), blobOf(5000), scope)).toBe('pushed')
    expect(Date.now() - begin).toBeGreaterThanOrEqual(1000)
  })
})

describe('manifests', () => {
  test.each(['HEAD', 'GET'])('are asked for by %s with all types that there are', async (method) => {
    const { manifest } = await pushTestImage(registry.direct, registry.behind('app'), 'v1')
    const accepted: string[] = []
    registry.proxy.faults.push({
      when: asks(method, /manifests/),
      times: 1,
      act: (request) => {
        accepted.push(request.headers.accept ?? '')
        return {}
      },
    })
    const client = registry.clientWith()
    await client.resolve(registry.at('app'), 'v1', scope)
    expect((await client.manifest(registry.at('app'), 'v1', scope)).bytes).toEqual(manifest.bytes)
    const { ociIndex, ociManifest, dockerList, dockerManifest } = mediaTypes
    for (const type of [ociIndex, ociManifest, dockerList, dockerManifest]) expect(accepted[0]).toContain(type)
  })

  test('whose HEAD has no type are read to learn it', async () => {
    const { manifest } = await pushTestImage(registry.direct, registry.behind('app'), 'v1')
    registry.proxy.faults.push({
      when: asks('HEAD', /manifests/),
      times: 1,
      act: () => ({ headers: (headers) => delete headers['content-type'] }),
    })
    expect(await registry.clientWith().resolve(registry.at('app'), 'v1', scope)).toEqual(manifest.descriptor)
    expect(registry.lines(/^GET .*manifests/)).toHaveLength(1)
  })

  test('are resolved without a GET, which Docker Hub counts as a pull', async () => {
    await pushTestImage(registry.direct, registry.behind('app'), 'v1')
    await registry.clientWith().resolve(registry.at('app'), 'v1', scope)
    expect(registry.lines(/manifests/)).toEqual(['HEAD /v2/app/manifests/v1'])
  })

  test.each([
    ["tag invalid: The image tag 'v1' already exists and cannot be overwritten because the tag is immutable.", 400],
    ['The repository has enabled tag immutability', 409],
  ])('whose tag is immutable are refused with what to do: %s', async (message, status) => {
    const { manifest } = await pushTestImage(registry.direct, registry.behind('app'), 'v1')
    const body = JSON.stringify({ errors: [{ code: 'TAG_INVALID', message }] })
    registry.proxy.faults.push({ when: asks('PUT', /manifests/), times: 9, act: respond(status, {}, body) })
    await expect(registry.clientWith().pushManifest(registry.at('app'), 'v1', manifest, scope)).rejects.toMatchObject({
      message: expect.stringContaining(message) as string,
      hint: expect.stringContaining('push under another tag') as string,
    })
  })
})
