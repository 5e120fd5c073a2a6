/** What registries and networks do wrong with manifests and lists, and what becomes of a pull then. */
import { describe, expect, test } from 'vitest'
import { digestOf } from '../../src/core/digest.ts'
import type { BuildEvent } from '../../src/core/events.ts'
import { quietScope } from '../../src/core/scope.ts'
import { mediaTypes } from '../../src/oci/media-types.ts'
import { createRegistryClient } from '../../src/registry/client.ts'
import { asks, hangUp, respond } from '../support/fault-proxy.ts'
import { retry, useFaultyRegistry } from '../support/faulty-registry.ts'
import { pushTestImage } from '../support/registries.ts'

const scope = quietScope()
const registry = useFaultyRegistry()

describe('retries', () => {
  test.each([408, 429, 500, 502, 503, 504, 522])('a %d is tried again', async (status) => {
    await pushTestImage(registry.direct, registry.behind('app'), 'v1')
    registry.proxy.faults.push({ when: asks('HEAD', /manifests/), times: 2, act: respond(status) })
    expect(await registry.clientWith().resolve(registry.at('app'), 'v1', scope)).toBeDefined()
    expect(registry.lines(/^HEAD .*manifests/)).toHaveLength(3)
  })

  test('honour Retry-After up to a cap', async () => {
    await pushTestImage(registry.direct, registry.behind('app'), 'v1')
    registry.proxy.faults.push({ when: asks('HEAD', /manifests/), times: 1, act: respond(429, { 'retry-after': '1' }) })
    const begin = Date.now()
    await registry.clientWith().resolve(registry.at('app'), 'v1', scope)
    expect(Date.now() - begin).toBeGreaterThanOrEqual(1000)
    registry.proxy.faults.push({
      when: asks('HEAD', /manifests/),
      times: 1,
      act: respond(429, { 'retry-after': '3600' }),
    })
    const capped = Date.now()
    await registry.clientWith().resolve(registry.at('app'), 'v1', scope)
    expect(Date.now() - capped).toBeLessThan(4000)
  })

  test('end, and the last answer is told with the way out', async () => {
    registry.proxy.faults.push({
      when: asks('GET', /manifests/),
      times: 99,
      act: respond(
        429,
        { 'content-type': 'application/json' },
        '{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}',
      ),
    })
    await expect(registry.clientWith().manifest(registry.at('app'), 'v1', scope)).rejects.toMatchObject({
      code: 'registry',
      message: expect.stringContaining('answered 429: slow down (TOOMANYREQUESTS)') as string,
      hint: expect.stringContaining('log in') as string,
    })
    expect(registry.lines(/manifests/)).toHaveLength(retry.tries)
  })

  test('end, and the limit of Docker Hub is told', async () => {
    const headers = { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '0;w=21600' }
    registry.proxy.faults.push({ when: asks('GET', /manifests/), times: 99, act: respond(429, headers) })
    await expect(registry.clientWith().manifest(registry.at('app'), 'v1', scope)).rejects.toThrow(
      /answered 429 \(the limit is 100 in 6 h, 0 left\)$/,
    )
  })

  test('are not needed to learn of a limit: it is told once, as long as it stays', async () => {
    await pushTestImage(registry.direct, registry.behind('app'), 'v1')
    let left = 8
    const limited = (headers: Record<string, unknown>): void => {
      Object.assign(headers, { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': `${left};w=21600` })
    }
    registry.proxy.faults.push({ when: asks('GET', /manifests/), times: 99, act: () => ({ headers: limited }) })
    const told: BuildEvent[] = []
    const client = registry.clientWith()
    for (left of [8, 8, 7]) {
      await client.manifest(registry.at('app'), 'v1', { ...scope, emit: (event) => void told.push(event) })
    }
    const text = (n: number): string => `${registry.proxy.address}: the limit is 100 in 6 h, ${n} left`
    expect(told).toEqual([8, 7].map((n) => ({ type: 'message', about: 'registry', text: text(n) })))
  })

  test('end when the network stays away, and the error says what was being done where', async () => {
    registry.proxy.faults.push({ when: asks('HEAD', /manifests/), times: 99, act: hangUp })
    await expect(registry.clientWith().resolve(registry.at('team/app'), 'v1', scope)).rejects.toMatchObject({
      code: 'network',
      message: expect.stringContaining(`asking for "v1" of ${registry.proxy.address}/team/app failed: `) as string,
    })
  })

  test('a 404 or 403 is not tried again', async () => {
    registry.proxy.faults.push({ when: asks('GET', /manifests/), times: 9, act: respond(403) })
    await expect(registry.clientWith().manifest(registry.at('app'), 'v1', scope)).rejects.toMatchObject({
      code: 'auth-failed',
    })
    expect(registry.lines(/manifests/)).toHaveLength(1)
  })

  test('a connection cut without an answer is tried again', async () => {
    await pushTestImage(registry.direct, registry.behind('app'), 'v1')
    registry.proxy.faults.push({ when: asks('HEAD', /manifests/), times: 2, act: hangUp })
    expect(await registry.clientWith().resolve(registry.at('app'), 'v1', scope)).toBeDefined()
  })

  test('end at once when cancelled during the wait', async () => {
    registry.proxy.faults.push({ when: asks('HEAD', /manifests/), times: 9, act: respond(503, { 'retry-after': '1' }) })
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 200)
    const begin = Date.now()
    await expect(
      registry.clientWith().resolve(registry.at('app'), 'v1', quietScope(controller.signal)),
    ).rejects.toMatchObject({
      code: 'cancelled',
    })
    expect(Date.now() - begin).toBeLessThan(900)
  })
})

describe('manifests', () => {
  test('HEAD without a digest falls back to GET and its own hash', async () => {
    const { manifest } = await pushTestImage(registry.direct, registry.behind('app'), 'v1')
    registry.proxy.faults.push({
      when: asks('HEAD', /manifests/),
      times: 1,
      act: () => ({ headers: (headers) => delete headers['docker-content-digest'] }),
    })
    expect(await registry.clientWith().resolve(registry.at('app'), 'v1', scope)).toEqual(manifest.descriptor)
  })

  test('HEAD that is refused is explained by the body of a GET', async () => {
    registry.proxy.faults.push({ when: asks('HEAD', /manifests/), times: 9, act: respond(403) })
    registry.proxy.faults.push({
      when: asks('GET', /manifests/),
      times: 9,
      act: respond(403, {}, '{"errors":[{"code":"DENIED","message":"not for you"}]}'),
    })
    await expect(registry.clientWith().resolve(registry.at('app'), 'v1', scope)).rejects.toThrow('not for you (DENIED)')
  })

  test('bytes other than the digest says are refused', async () => {
    const { manifest } = await pushTestImage(registry.direct, registry.behind('app'), 'v1')
    const alter = (chunk: Buffer): Buffer => Buffer.from(chunk.toString().replace('"size":1000', '"size":1001'))
    registry.proxy.faults.push({ when: asks('GET', /manifests/), times: 9, act: () => ({ body: alter }) })
    for (const reference of ['v1', manifest.descriptor.digest]) {
      await expect(registry.clientWith().manifest(registry.at('app'), reference, scope)).rejects.toMatchObject({
        code: 'digest-mismatch',
      })
    }
  })

  test('a digest header that contradicts the bytes is refused', async () => {
    await pushTestImage(registry.direct, registry.behind('app'), 'v1')
    registry.proxy.faults.push({
      when: asks('GET', /manifests/),
      times: 1,
      act: () => ({ headers: (headers) => (headers['docker-content-digest'] = digestOf('other')) }),
    })
    await expect(registry.clientWith().manifest(registry.at('app'), 'v1', scope)).rejects.toMatchObject({
      code: 'digest-mismatch',
    })
  })

  test('of a write whose answer has another digest, what the registry has decides', async () => {
    const { manifest } = await pushTestImage(registry.direct, registry.behind('app'), 'v1')
    const other = () => ({
      headers: (headers: Record<string, unknown>): void => {
        headers['docker-content-digest'] = digestOf('other')
      },
    })
    const put = (): Promise<void> => registry.clientWith().pushManifest(registry.at('app'), 'v2', manifest, scope)
    registry.proxy.faults.push({ when: asks('PUT', /manifests/), times: 2, act: other })
    await put()
    expect(await registry.direct.resolve(registry.behind('app'), 'v2', scope)).toEqual(manifest.descriptor)
    registry.proxy.faults.push({ when: asks('HEAD', /manifests/), times: 1, act: other })
    await expect(put()).rejects.toMatchObject({ code: 'digest-mismatch' })
  })

  test('a schema 1 manifest is refused clearly', async () => {
    const body = JSON.stringify({ schemaVersion: 1, name: 'app', tag: 'v1', fsLayers: [] })
    registry.proxy.faults.push({
      when: asks('GET', /manifests/),
      times: 1,
      act: respond(200, { 'content-type': mediaTypes.schema1Signed }, body),
    })
    await expect(registry.clientWith().manifest(registry.at('app'), 'v1', scope)).rejects.toThrow(/schema 1/)
  })

  test('404s with other codes are still missing', async () => {
    const body = '{"errors":[{"code":"UNKNOWN","message":"artifact app:v1 not found"}]}'
    registry.proxy.faults.push({ when: asks('HEAD', /manifests/), times: 9, act: respond(400) })
    registry.proxy.faults.push({ when: asks('GET', /manifests/), times: 9, act: respond(400, {}, body) })
    expect(await registry.clientWith().resolve(registry.at('app'), 'v1', scope)).toBeUndefined()
  })

  test('a gcr that refuses without a challenge gets the token that the ping asked for', async () => {
    await pushTestImage(registry.direct, registry.behind('app'), 'v1')
    registry.proxy.auth = { kind: 'bearer' }
    const client = registry.clientWith()
    await client.resolve(registry.at('app'), 'v1', scope)
    registry.proxy.faults.push({ when: asks('HEAD', /manifests/), times: 1, act: respond(401) })
    expect(await client.resolve(registry.at('app'), 'v1', scope)).toBeDefined()
    expect(registry.proxy.tokenRequests).toHaveLength(2)
  })
})

describe('tag lists', () => {
  test('go on over pages, without nulls and digests', async () => {
    const page = (tags: unknown[]): string => JSON.stringify({ name: 'paged', tags })
    registry.proxy.faults.push({
      when: asks('GET', /tags\/list$/),
      times: 1,
      act: respond(200, { link: '</v2/paged/tags/list?n=2&last=b>; rel="next"' }, page(['a', null, 'b'])),
    })
    registry.proxy.faults.push({
      when: asks('GET', /last=b/),
      times: 1,
      act: respond(200, {}, page(['c', `sha256:${'0'.repeat(64)}`])),
    })
    expect(await registry.clientWith().tags(registry.at('paged'), scope)).toEqual(['a', 'b', 'c'])
  })

  test('that never end are refused', async () => {
    registry.proxy.faults.push({
      when: asks('GET', /tags\/list/),
      times: 99,
      act: respond(200, { link: '</v2/loop/tags/list?n=1>; rel="next"' }, '{"tags":["a"]}'),
    })
    await expect(registry.clientWith().tags(registry.at('loop'), scope)).rejects.toThrow(/does not end/)
  })
})

describe('plain http', () => {
  test('is not spoken to a host that is not loopback, and the error says which option mends it', async () => {
    // This address reaches loopback, but does not count as it.
    const host = registry.proxy.address.replace('127.0.0.1', '0.0.0.0')
    await expect(
      registry.clientWith().resolve({ registry: host, repository: 'app' }, 'v1', scope),
    ).rejects.toMatchObject({
      code: 'network',
      hint: expect.stringMatching(/--insecure-registry 0\.0\.0\.0:\d+.*--tls-verify=false/) as string,
    })
  })

  test.each([
    ['--insecure-registry', (host: string) => ({ insecureRegistries: [host] })],
    ['--tls-verify=false', () => ({ tlsVerify: false })],
  ])('is allowed by %s', async (_option, optionsFor) => {
    await pushTestImage(registry.direct, registry.behind('app'), 'v1')
    const host = registry.proxy.address.replace('127.0.0.1', '0.0.0.0')
    const client = createRegistryClient({ env: {}, retry, ...optionsFor(host) })
    expect(await client.resolve({ registry: host, repository: 'app' }, 'v1', scope)).toBeDefined()
  })
})
