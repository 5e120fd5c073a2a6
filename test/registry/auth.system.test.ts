/** Tokens, basic authentication, and what is not carried to other hosts. */
import { type Server, createServer } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { quietScope } from '../../src/core/scope.ts'
import { asks, listen, respond, stop } from '../support/fault-proxy.ts'
import { useFaultyRegistry } from '../support/faulty-registry.ts'
import { blobOf, pushTestImage, readAll } from '../support/registries.ts'

const scope = quietScope()
const registry = useFaultyRegistry()

describe('bearer tokens', () => {
  test('are asked for once and used for all requests of a scope', async () => {
    await pushTestImage(registry.direct, registry.behind('app'), 'v1')
    registry.proxy.auth = { kind: 'bearer' }
    const client = registry.clientWith()
    await client.resolve(registry.at('app'), 'v1', scope)
    await client.manifest(registry.at('app'), 'v1', scope)
    expect(registry.proxy.tokenRequests.map((r) => r.scopes)).toEqual([['repository:app:pull']])
  })

  test('may come as access_token', async () => {
    await pushTestImage(registry.direct, registry.behind('app'), 'v1')
    registry.proxy.auth = { kind: 'bearer', field: 'access_token' }
    expect(await registry.clientWith().resolve(registry.at('app'), 'v1', scope)).toBeDefined()
  })

  test('are asked for with user and password', async () => {
    await pushTestImage(registry.direct, registry.behind('app'), 'v1')
    registry.proxy.auth = { kind: 'bearer', username: 'u', password: 'p:ss' }
    const client = registry.clientWith({ username: 'u', password: 'p:ss' })
    expect(await client.resolve(registry.at('app'), 'v1', scope)).toBeDefined()
  })

  test('are not had with a wrong password, and the error says whose', async () => {
    registry.proxy.auth = { kind: 'bearer', username: 'u', password: 'right' }
    await expect(
      registry.clientWith({ username: 'u', password: 'wrong' }).resolve(registry.at('app'), 'v1', scope),
    ).rejects.toMatchObject({
      code: 'auth-failed',
      message: `asking for "v1" of ${registry.proxy.address}/app failed: ${registry.proxy.address} gave no token for the user "u": its token service answered 401: incorrect username or password`,
    })
  })

  test('that expire in the middle of a push are renewed and bodies sent again', async () => {
    registry.proxy.auth = { kind: 'bearer', usesPerToken: 2 }
    const blob = blobOf(3_000_000)
    await pushTestImage(registry.clientWith(), registry.at('pushed'), 'v1', blob)
    expect(await readAll(await registry.direct.blob(registry.behind('pushed'), blob.descriptor, scope))).toHaveLength(
      3_000_000,
    )
    expect(registry.proxy.tokenRequests.length).toBeGreaterThan(3)
  })

  test('that live a second are renewed before they end', async () => {
    await pushTestImage(registry.direct, registry.behind('app'), 'v1')
    registry.proxy.auth = { kind: 'bearer', expiresIn: 1 }
    const client = registry.clientWith()
    await client.resolve(registry.at('app'), 'v1', scope)
    await new Promise((resolve) => setTimeout(resolve, 900))
    await client.resolve(registry.at('app'), 'v1', scope)
    expect(registry.proxy.tokenRequests).toHaveLength(2)
  })

  test('name the scope that the registry asked for first, merged with ours', async () => {
    registry.proxy.auth = { kind: 'bearer', usesPerToken: 1 }
    await registry.clientWith().pushBlob(registry.at('merged'), blobOf(10), scope)
    expect(registry.proxy.tokenRequests.at(-1)?.scopes).toEqual(['repository:merged:pull,push'])
  })

  test('for a mount cover the source repository, too', async () => {
    registry.proxy.auth = { kind: 'bearer' }
    await registry.clientWith().pushBlob(registry.at('into'), { ...blobOf(10), mountFrom: ['out-of'] }, scope)
    expect(registry.proxy.tokenRequests.map((r) => r.scopes)).toContainEqual([
      'repository:into:pull,push',
      'repository:out-of:pull',
    ])
  })

  test('are asked for by OAuth2 POST with an identity token', async () => {
    await pushTestImage(registry.direct, registry.behind('app'), 'v1')
    registry.proxy.auth = { kind: 'bearer' }
    await registry.clientWith({ identityToken: 'refresh-me' }).resolve(registry.at('app'), 'v1', scope)
    const [request] = registry.proxy.tokenRequests
    expect(request?.method).toBe('POST')
    expect(Object.fromEntries(new URLSearchParams(request?.body))).toMatchObject({
      grant_type: 'refresh_token',
      refresh_token: 'refresh-me',
      scope: 'repository:app:pull',
      service: 'test',
    })
  })

  test('are never asked for at an internal address that is not the registry', async () => {
    registry.proxy.auth = { kind: 'bearer', realm: 'http://169.254.169.254/latest/meta-data' }
    await expect(registry.clientWith().resolve(registry.at('app'), 'v1', scope)).rejects.toThrow(
      /wants a token from .*does not ask/,
    )
  })
})

describe('basic authentication', () => {
  test('is chosen among several challenges and kept for all requests', async () => {
    registry.proxy.auth = { kind: 'basic', username: 'u', password: 'p' }
    await pushTestImage(registry.clientWith({ username: 'u', password: 'p' }), registry.at('basic'), 'v1')
    expect(await registry.direct.resolve(registry.behind('basic'), 'v1', scope)).toBeDefined()
  })

  test('without credentials fails with the way to log in and the hint that the name may be wrong', async () => {
    registry.proxy.auth = { kind: 'basic', username: 'u', password: 'p' }
    await expect(registry.clientWith().resolve(registry.at('app'), 'v1', scope)).rejects.toMatchObject({
      code: 'auth-failed',
      message: `reading the manifest "v1" of ${registry.proxy.address}/app failed: the registry answered 401: authentication required (UNAUTHORIZED)`,
      hint: expect.stringMatching(/do not exist.*wherry login/) as string,
    })
  })
})

describe('redirects to another host', () => {
  let elsewhere: Server
  let seen: Record<string, unknown>[]
  let body: Buffer

  beforeEach(() => {
    seen = []
    elsewhere = createServer((request, response) => {
      seen.push({ ...request.headers, url: request.url })
      response.end(body)
    })
  })
  afterEach(() => stop(elsewhere))

  test('carry no credentials', async () => {
    const blob = blobOf(5000)
    body = blob.bytes
    const address = await listen(elsewhere)
    registry.proxy.auth = { kind: 'basic', username: 'u', password: 'p' }
    registry.proxy.faults.push({
      when: asks('GET', /blobs/),
      times: 1,
      act: respond(307, { location: `http://${address}/presigned?signature=abc%2Bd%3D` }),
    })
    const client = registry.clientWith({ username: 'u', password: 'p' })
    expect((await readAll(await client.blob(registry.at('cdn'), blob.descriptor, scope))).equals(body)).toBe(true)
    expect(seen).toHaveLength(1)
    expect(seen[0]).not.toHaveProperty('authorization')
    expect(seen[0]).toMatchObject({ url: '/presigned?signature=abc%2Bd%3D' })
  })

  test('are not followed to a metadata service', async () => {
    await listen(elsewhere)
    registry.proxy.faults.push({
      when: asks('GET', /blobs/),
      times: 9,
      act: respond(302, { location: 'http://169.254.169.254/' }),
    })
    await expect(registry.clientWith().blob(registry.at('cdn'), blobOf(10).descriptor, scope)).rejects.toThrow(
      /does not follow/,
    )
  })

  test('end after ten', async () => {
    await listen(elsewhere)
    registry.proxy.faults.push({
      when: asks('GET', /blobs/),
      times: 99,
      act: respond(302, { location: '/v2/cdn/blobs/again' }),
    })
    await expect(registry.clientWith().blob(registry.at('cdn'), blobOf(10).descriptor, scope)).rejects.toThrow(
      /redirects too often/,
    )
  })
})
