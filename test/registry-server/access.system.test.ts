/** Who is let in: tokens of a token server, read-only and delete switches, https. */
import { type KeyObject, generateKeyPairSync, sign } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { join } from 'node:path'
import { hashSync } from 'bcryptjs'
import { afterEach, describe, expect, it } from 'vitest'
import { digestOf } from '../../src/core/digest.ts'
import { createRegistryServer } from '../../src/registry-server/server.ts'
import { passwordAccess } from '../../src/registry-server/password-access.ts'
import { tokenAccess } from '../../src/registry-server/token-access.ts'
import { openStore } from '../../src/store/store.ts'
import { makeCertificates } from '../support/certificates.ts'
import { lacks, missingTools } from '../support/need.ts'
import { type TestRegistry, startEmbeddedRegistry } from '../support/registries.ts'
import { tempDir } from '../support/temp.ts'

let registry: TestRegistry | undefined
afterEach(async () => {
  await registry?.stop()
  registry = undefined
})

const ask = (method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<Response> =>
  fetch(`http://${registry!.address}${path}`, { method, headers, ...(body !== undefined && { body }) })

const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const stranger = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }) as string
const rules = {
  realm: 'https://auth.example.com/token',
  service: 'reg',
  issuer: 'auth',
  keys: pem(ec.publicKey) + pem(rsa.publicKey),
}
const now = Math.floor(Date.now() / 1000)
const right = (...actions: string[]): unknown => [{ type: 'repository', name: 'a/b', actions }]

interface TokenParts {
  readonly claims?: Record<string, unknown>
  readonly key?: KeyObject
  readonly alg?: string
}

const tokenOf = ({ claims = {}, key = ec.privateKey, alg = 'ES256' }: TokenParts = {}): string => {
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claimed = { iss: 'auth', aud: 'reg', sub: 'ada', exp: now + 300, access: right('pull', 'push'), ...claims }
  const text = `${encode({ typ: 'JWT', alg })}.${encode(claimed)}`
  if (alg === 'none') return `${text}.`
  return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

const bearer = (parts?: TokenParts): Record<string, string> => ({ authorization: `Bearer ${tokenOf(parts)}` })

describe('tokens', () => {
  it('are asked for with the right that is missing', async () => {
    registry = await startEmbeddedRegistry({ access: tokenAccess(rules) })
    const start = 'Bearer realm="https://auth.example.com/token",service="reg"'
    const challengeOf = async (method: string, path: string, headers = {}): Promise<string | null> => {
      const response = await ask(method, path, headers)
      expect(response.status).toBe(401)
      expect(await response.json()).toMatchObject({ errors: [{ code: 'UNAUTHORIZED' }] })
      return response.headers.get('www-authenticate')
    }
    expect(await challengeOf('GET', '/v2/')).toBe(start)
    expect(await challengeOf('GET', '/v2/a/b/tags/list')).toBe(`${start},scope="repository:a/b:pull"`)
    expect(await challengeOf('POST', '/v2/a/b/blobs/uploads/')).toBe(`${start},scope="repository:a/b:pull,push"`)
    expect(await challengeOf('GET', '/v2/_catalog')).toBe(`${start},scope="registry:catalog:*"`)
    expect(await challengeOf('DELETE', '/v2/a/b/manifests/v1', bearer())).toBe(
      `${start},scope="repository:a/b:delete",error="insufficient_scope"`,
    )
  })

  it.each<[string, TokenParts, number]>([
    ['a good one', {}, 202],
    ['one for several registries', { claims: { aud: ['other', 'reg'] } }, 202],
    ['one signed by the other key', { key: rsa.privateKey, alg: 'RS256' }, 202],
    ['one that ended a moment ago', { claims: { exp: now - 10 } }, 202],
    ['one that ended', { claims: { exp: now - 120 } }, 401],
    ['one without an end', { claims: { exp: undefined } }, 401],
    ['one that has not begun', { claims: { nbf: now + 120 } }, 401],
    ['one of another issuer', { claims: { iss: 'x' } }, 401],
    ['one for another registry', { claims: { aud: 'x' } }, 401],
    ['one that may only pull', { claims: { access: right('pull') } }, 401],
    ['one for another repository', { claims: { access: [{ type: 'repository', name: 'a', actions: ['*'] }] } }, 401],
    ['one without rights', { claims: { access: undefined } }, 401],
    ['one signed by a stranger', { key: stranger.privateKey }, 401],
    ['one that is not signed', { alg: 'none' }, 401],
    ['one that names an algorithm of another key', { alg: 'RS256' }, 401],
    ['one with a shared secret', { alg: 'HS256' }, 401],
  ])('%s', async (_title, parts, status) => {
    registry = await startEmbeddedRegistry({ access: tokenAccess(rules) })
    expect((await ask('POST', '/v2/a/b/blobs/uploads/', bearer(parts))).status).toBe(status)
    expect(registry.failures).toEqual([])
  })

  it.each(['Bearer x', 'Bearer a.b.c', 'Bearer', 'Basic YTpi', 'Bearer e30.e30.e30'])('"%s" is none', async (text) => {
    registry = await startEmbeddedRegistry({ access: tokenAccess(rules) })
    expect((await ask('GET', '/v2/', { authorization: text })).status).toBe(401)
    expect(registry.failures).toEqual([])
  })

  it('mount a blob only from where they may pull', async () => {
    registry = await startEmbeddedRegistry({ access: tokenAccess(rules) })
    const digest = digestOf('secret')
    expect((await ask('POST', `/v2/a/b/blobs/uploads/?digest=${digest}`, bearer(), 'secret')).status).toBe(201)
    const mount = async (...more: unknown[]): Promise<number> => {
      const access = [{ type: 'repository', name: 'c', actions: ['pull', 'push'] }, ...more]
      return (await ask('POST', `/v2/c/blobs/uploads/?mount=${digest}&from=a/b`, bearer({ claims: { access } }))).status
    }
    expect(await mount()).toBe(202)
    expect(await mount({ type: 'repository', name: 'a/b', actions: ['pull'] })).toBe(201)
  })

  it('need keys that are public', () => {
    const secret = ec.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    for (const keys of ['', 'x', secret]) expect(() => tokenAccess({ ...rules, keys })).toThrow('cannot be read')
  })
})

describe('passwords', () => {
  const basic = (text: string): Record<string, string> => ({
    authorization: `Basic ${Buffer.from(text).toString('base64')}`,
  })

  it('let in whom the file names, and follow its changes', async () => {
    const path = join(tempDir(), 'htpasswd')
    const ada = `ada:${hashSync('pass:word', 4).replace('$2b$', '$2y$')}`
    writeFileSync(path, `# who\n\n${ada}\n`)
    registry = await startEmbeddedRegistry({ access: await passwordAccess(path) })
    const statusOf = async (headers?: Record<string, string>): Promise<number> =>
      (await ask('GET', '/v2/', headers)).status
    const refused = await ask('GET', '/v2/')
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Basic realm="wherry"'])
    for (const text of ['ada:pass', 'ada:', 'ada', 'bob:pass:word', ':pass:word', '']) {
      expect([text, await statusOf(basic(text))]).toEqual([text, 401])
    }
    expect(await statusOf(basic('ada:pass:word'))).toBe(200)
    writeFileSync(path, `${ada}\nbob:${hashSync('b', 4)}\n`)
    expect(await statusOf(basic('bob:b'))).toBe(200)
    writeFileSync(path, `bob:${hashSync('new', 4)}\n`)
    expect([await statusOf(basic('bob:b')), await statusOf(basic('ada:pass:word'))]).toEqual([401, 401])
    expect(await statusOf(basic('bob:new'))).toBe(200)
  })

  it.each(['ada', 'ada:', 'ada:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=', 'ada:$apr1$x$y', ':$2b$04$x'])(
    'the line "%s" is refused',
    async (line) => {
      const path = join(tempDir(), 'htpasswd')
      writeFileSync(path, `\n${line}\n`)
      await expect(passwordAccess(path)).rejects.toThrow('line 2: not a name with a bcrypt hash')
    },
  )
})

describe('switches', () => {
  it('read-only refuses every change and no reading', async () => {
    registry = await startEmbeddedRegistry({ isReadOnly: true })
    for (const [method, path] of [
      ['POST', '/v2/a/blobs/uploads/'],
      ['PUT', '/v2/a/manifests/v1'],
      ['DELETE', '/v2/a/manifests/v1'],
      ['DELETE', `/v2/a/blobs/${digestOf('x')}`],
    ] as const) {
      const response = await ask(method, path)
      expect([method, response.status]).toEqual([method, 405])
      expect(await response.json()).toMatchObject({ errors: [{ code: 'UNSUPPORTED' }] })
    }
    expect((await ask('GET', '/v2/_catalog')).status).toBe(200)
  })

  it('without deletes an upload can still be given up', async () => {
    registry = await startEmbeddedRegistry({ isDeleteRefused: true })
    expect((await ask('DELETE', '/v2/a/manifests/v1')).status).toBe(405)
    expect((await ask('DELETE', `/v2/a/blobs/${digestOf('x')}`)).status).toBe(405)
    const location = (await ask('POST', '/v2/a/blobs/uploads/')).headers.get('location')!
    expect((await ask('DELETE', location)).status).toBe(204)
  })
})

describe.skipIf(lacks('tools', missingTools('openssl')))('https', () => {
  it('is served with a certificate, which must fit its key', async () => {
    const files = makeCertificates(tempDir())
    const [certificate, key] = [readFileSync(files.serverCertificate, 'utf8'), readFileSync(files.serverKey, 'utf8')]
    registry = await startEmbeddedRegistry({ tls: { certificate, key } })
    const status = await new Promise((resolve, reject) => {
      const url = `https://${registry!.address}/v2/`
      get(url, { ca: readFileSync(files.authority) }, (response) => {
        response.resume()
        resolve(response.statusCode)
      }).on('error', reject)
    })
    expect(status).toBe(200)
    const store = await openStore(tempDir())
    const other = readFileSync(files.clientKey, 'utf8')
    expect(() => createRegistryServer({ store, tls: { certificate, key: other } })).toThrow('cannot be used')
  })
})
