/** Which host, path and credential a name comes to, as seen on the wire: names and configurations as users write them. */
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { quietScope } from '../../src/core/scope.ts'
import { parseReference } from '../../src/oci/reference.ts'
import { createRegistryClient } from '../../src/registry/client.ts'
import { createCredentialProvider } from '../../src/registry/credential-store.ts'
import { type Asked, type ForwardProxy, startForwardProxy } from '../support/forward-proxy.ts'
import { tempDir } from '../support/temp.ts'

let proxy: ForwardProxy
beforeAll(async () => {
  proxy = await startForwardProxy()
})
afterAll(() => proxy.close())
beforeEach(() => {
  proxy.asked.length = 0
})

/** Files of a home, by path, and programs, which are put on the PATH. */
interface HomeFiles {
  readonly files?: Readonly<Record<string, unknown>>
  readonly programs?: Readonly<Record<string, string>>
  /** Variables; `~` is the home. */
  readonly env?: Readonly<Record<string, string>>
}

/** Asks for what `name` means in such a home; the requests that this took. */
async function ask(name: string, { files = {}, programs = {}, env = {} }: HomeFiles = {}): Promise<Asked[]> {
  const home = tempDir()
  const put = (path: string, text: string): string => {
    mkdirSync(dirname(join(home, path)), { recursive: true })
    writeFileSync(join(home, path), text)
    return join(home, path)
  }
  for (const [path, content] of Object.entries(files)) put(path, JSON.stringify(content))
  for (const [program, script] of Object.entries(programs))
    chmodSync(put(`bin/${program}`, `#!/bin/sh\n${script}\n`), 0o755)
  const own = Object.fromEntries(Object.entries(env).map(([key, value]) => [key, value.replace('~', home)]))
  const all = {
    HOME: home,
    PATH: `${home}/bin:/usr/bin:/bin`,
    http_proxy: `http://${proxy.address}`,
    https_proxy: `http://${proxy.address}`,
    ...own,
  }
  const client = createRegistryClient({ env: all, tlsVerify: false, credentials: createCredentialProvider(all) })
  const reference = parseReference(name)
  await client.resolve(reference, reference.digest ?? reference.tag ?? '', quietScope())
  return proxy.asked
}

const encode = (text: string): { auth: string } => ({ auth: Buffer.from(text).toString('base64') })
const docker = (config: object): HomeFiles => ({ files: { '.docker/config.json': config } })
const logins = (...servers: string[]): HomeFiles =>
  docker({ auths: Object.fromEntries(servers.map((server) => [server, encode(`user:of ${server}`)])) })
const digest = `sha256:${'a'.repeat(64)}`

describe('a name is asked for at', () => {
  test.each([
    ['debian', 'registry-1.docker.io', 'library/debian/manifests/latest'],
    ['debian:12', 'registry-1.docker.io', 'library/debian/manifests/12'],
    ['docker.io/debian', 'registry-1.docker.io', 'library/debian/manifests/latest'],
    ['docker.io/library/debian', 'registry-1.docker.io', 'library/debian/manifests/latest'],
    ['index.docker.io/debian', 'registry-1.docker.io', 'library/debian/manifests/latest'],
    ['me/app', 'registry-1.docker.io', 'me/app/manifests/latest'],
    ['index.docker.io/me/app:1', 'registry-1.docker.io', 'me/app/manifests/1'],
    ['host/app', 'registry-1.docker.io', 'host/app/manifests/latest'],
    ['ghcr.io/me/app:v1', 'ghcr.io', 'me/app/manifests/v1'],
    ['reg.example.com/app', 'reg.example.com', 'app/manifests/latest'],
    ['reg.example.com:5000/app:1', 'reg.example.com:5000', 'app/manifests/1'],
    ['reg:5000/app', 'reg:5000', 'app/manifests/latest'],
    ['reg.example.com/a/b/c/d:x', 'reg.example.com', 'a/b/c/d/manifests/x'],
    ['REG.example.com/app', 'reg.example.com', 'app/manifests/latest'],
    ['localhost.example.com/app', 'localhost.example.com', 'app/manifests/latest'],
    ['192.0.2.7/app', '192.0.2.7', 'app/manifests/latest'],
    ['192.0.2.7:5000/a/b', '192.0.2.7:5000', 'a/b/manifests/latest'],
    ['[2001:db8::5]/app', '[2001:db8::5]', 'app/manifests/latest'],
    ['[2001:db8::5]:5000/app:1', '[2001:db8::5]:5000', 'app/manifests/1'],
    [`debian@${digest}`, 'registry-1.docker.io', `library/debian/manifests/${digest}`],
    [`reg.example.com:5000/app:1@${digest}`, 'reg.example.com:5000', `app/manifests/${digest}`],
  ])('%s: %s', async (name, host, path) => {
    proxy.auth = 'none'
    const asked = ask(name)
    if (name.includes('@')) await expect(asked).rejects.toMatchObject({ code: 'digest-mismatch' })
    else await asked
    expect(proxy.asked.at(-1)).toMatchObject({ method: 'HEAD', host, path: `/v2/${path}` })
  })
})

/** Users and passwords that were sent, each once. */
function sent(asked: readonly Asked[]): string[] {
  const given = asked.flatMap(({ authorization }) =>
    authorization?.startsWith('Basic ') ? [authorization.slice(6)] : [],
  )
  return [...new Set(given)].map((text) => Buffer.from(text, 'base64').toString())
}

const hub = 'https://index.docker.io/v1/'

describe('credentials in files', () => {
  test.each<[name: string, server: string]>([
    ['debian', hub],
    ['me/app', hub],
    ['index.docker.io/me/app', hub],
    ['debian', 'docker.io'],
    ['debian', 'index.docker.io'],
    ['debian', 'https://registry-1.docker.io/v2/'],
    ['me/app', 'docker.io/me'],
    ['reg.example.com/app', 'reg.example.com'],
    ['reg.example.com/app', 'https://reg.example.com'],
    ['reg.example.com/app', 'https://reg.example.com/v2/'],
    ['reg.example.com/app', 'http://reg.example.com/v1/'],
    ['reg.example.com:5000/app', 'reg.example.com:5000'],
    ['reg.example.com:5000/app', 'https://reg.example.com:5000'],
    ['192.0.2.7:5000/app', '192.0.2.7:5000'],
    ['[2001:db8::5]:5000/app', '[2001:db8::5]:5000'],
    ['reg.example.com/team/app', 'reg.example.com/team'],
    ['reg.example.com/team/a/b', 'reg.example.com/team/a'],
  ])('for %s those of %s are sent', async (name, server) => {
    proxy.auth = 'basic'
    expect(sent(await ask(name, logins(server)))).toEqual([`user:of ${server}`])
  })

  test.each([
    ['reg.example.com/app', 'example.com'],
    ['reg.example.com/app', 'evil-reg.example.com'],
    ['reg.example.com.evil.org/app', 'reg.example.com'],
    ['evil.org/reg.example.com/app', 'reg.example.com'],
    ['reg.example.com:5000/app', 'reg.example.com'],
    ['reg.example.com/app', 'reg.example.com:5000'],
    ['reg.example.com/team2/app', 'reg.example.com/team'],
    ['reg.example.com/other/app', 'reg.example.com/team'],
    ['docker.io.evil.org/app', hub],
    ['evil.azurecr.io.example.org/app', 'evil.azurecr.io'],
  ])('for %s those of %s are not', async (name, server) => {
    proxy.auth = 'basic'
    await expect(ask(name, logins(server))).rejects.toMatchObject({ code: 'auth-failed' })
    expect(proxy.asked.map(({ authorization }) => authorization)).not.toContainEqual(expect.anything())
  })

  test.each([
    ['reg.example.com/team/app', 'reg.example.com/team'],
    ['reg.example.com/team/deep/app', 'reg.example.com/team/deep'],
    ['reg.example.com/team2/app', 'reg.example.com'],
  ])('for %s the longest path wins: %s', async (name, server) => {
    proxy.auth = 'basic'
    const all = logins('reg.example.com', 'reg.example.com/team', 'reg.example.com/team/deep', 'other.example.com')
    expect(sent(await ask(name, all))).toEqual([`user:of ${server}`])
  })

  test.each<[how: string, home: HomeFiles, expected: string]>([
    ['a colon in the password', docker({ auths: { 'reg.io': encode('u:p:w') } }), 'u:p:w'],
    ['a password that is not ASCII', docker({ auths: { 'reg.io': encode('u:pä→') } }), 'u:pä→'],
    ['plain fields', docker({ auths: { 'reg.io': { username: 'u', password: 'p' } } }), 'u:p'],
    ['auth.json', { files: { '.config/containers/auth.json': { auths: { 'reg.io': encode('c:1') } } } }, 'c:1'],
    [
      'REGISTRY_AUTH_FILE',
      { files: { 'a.json': { auths: { 'reg.io': encode('f:1') } } }, env: { REGISTRY_AUTH_FILE: '~/a.json' } },
      'f:1',
    ],
    [
      'DOCKER_CONFIG',
      { files: { 'd/config.json': { auths: { 'reg.io': encode('d:1') } } }, env: { DOCKER_CONFIG: '~/d' } },
      'd:1',
    ],
  ])('are read from %s', async (_how, home, expected) => {
    proxy.auth = 'basic'
    expect(sent(await ask('reg.io/app', home))).toEqual([expected])
  })
})

const gives = (user: string, secret: string): string =>
  `cat >/dev/null; echo '{"Username":"${user}","Secret":"${secret}"}'`

describe('credentials of helpers', () => {
  test.each<[how: string, config: object, name: string, expected: string[]]>([
    ['credsStore', { credsStore: 'one' }, 'reg.io/app', ['one:s1']],
    [
      'credsStore, before the file',
      { credsStore: 'one', auths: { 'reg.io': encode('f:1') } },
      'reg.io/app',
      ['one:s1'],
    ],
    ['credHelpers of the host', { credHelpers: { 'reg.io': 'two' }, credsStore: 'one' }, 'reg.io/app', ['two:s2']],
    ['credHelpers with a port', { credHelpers: { 'reg.io:5000': 'two' } }, 'reg.io:5000/app', ['two:s2']],
    ['credHelpers of Docker Hub', { credHelpers: { [hub]: 'two' } }, 'debian', ['two:s2']],
    ['credHelpers of docker.io', { credHelpers: { 'docker.io': 'two' } }, 'me/app', ['two:s2']],
    [
      'a file, where the helper has none',
      { credsStore: 'none', auths: { 'reg.io': encode('f:1') } },
      'reg.io/app',
      ['f:1'],
    ],
  ])('%s', async (_how, config, name, expected) => {
    proxy.auth = 'basic'
    const programs = {
      'docker-credential-one': gives('one', 's1'),
      'docker-credential-two': gives('two', 's2'),
      'docker-credential-none': 'cat >/dev/null; echo credentials not found in native keychain; exit 1',
    }
    expect(sent(await ask(name, { ...docker(config), programs }))).toEqual(expected)
  })

  test('of another host are not asked', async () => {
    proxy.auth = 'none'
    const home = tempDir()
    const programs = { 'docker-credential-two': `touch ${home}/$1; ${gives('two', 's2')}` }
    await ask('reg.io/app', { ...docker({ credHelpers: { 'other.io': 'two' } }), programs })
    expect(readdirSync(home)).toEqual([])
    await ask('other.io/app', { ...docker({ credHelpers: { 'other.io': 'two' } }), programs })
    expect(readdirSync(home)).toEqual(['get'])
  })
})

describe('tokens', () => {
  const tokenRequests = (): Asked[] => proxy.asked.filter(({ path }) => path.startsWith('/token'))

  test('of Docker Hub are asked for with user, service and scope', async () => {
    proxy.auth = 'bearer'
    await ask('debian', logins(hub))
    const [request, ...more] = tokenRequests()
    expect(more).toEqual([])
    expect(request).toMatchObject({ method: 'GET', host: 'auth.example.org' })
    expect(Object.fromEntries(new URL(request?.path ?? '', 'http://x').searchParams)).toEqual({
      service: 'registry-1.docker.io',
      scope: 'repository:library/debian:pull',
    })
    expect(sent([request!])).toEqual([`user:of ${hub}`])
  })

  test('are what the registry gets: neither user nor password', async () => {
    proxy.auth = 'bearer'
    await ask('reg.example.com/app', logins('reg.example.com'))
    const toRegistry = proxy.asked.filter(({ host }) => host === 'reg.example.com').map((asked) => asked.authorization)
    expect(new Set(toRegistry)).toEqual(new Set([undefined, 'Bearer good']))
  })

  test('are asked for as nobody without credentials', async () => {
    proxy.auth = 'bearer'
    await ask('ghcr.io/me/app')
    expect(tokenRequests().map(({ authorization }) => authorization)).toEqual([undefined])
  })

  test.each<[how: string, home: HomeFiles]>([
    ['in a file', docker({ auths: { 'reg.io': { ...encode('<token>:'), identitytoken: 'identity' } } })],
    ['as the password of <token>', docker({ auths: { 'reg.io': encode('<token>:identity') } })],
    [
      'of a helper',
      { ...docker({ credsStore: 'acr' }), programs: { 'docker-credential-acr': gives('<token>', 'identity') } },
    ],
  ])('are asked for by OAuth2 with an identity token %s, which goes nowhere else', async (_how, home) => {
    proxy.auth = 'bearer'
    await ask('reg.io/app', home)
    expect(tokenRequests().map(({ method, body }) => [method, new URLSearchParams(body).get('refresh_token')])).toEqual(
      [['POST', 'identity']],
    )
    expect(sent(proxy.asked)).toEqual([])
  })

  test('that a file has ready are sent as they are', async () => {
    proxy.auth = 'bearer'
    await ask('reg.io/app', docker({ auths: { 'reg.io': { registrytoken: 'ready' } } }))
    expect(tokenRequests()).toEqual([])
    expect(proxy.asked.at(-1)?.authorization).toBe('Bearer ready')
  })
})
