/** Credentials in files and helpers: found, kept, forgotten, checked. */
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Environment } from '../../src/http/proxy.ts'
import { createCredentialProvider, removeLogin, saveLogin } from '../../src/registry/credential-store.ts'
import { checkLogin } from '../../src/registry/login.ts'
import { useFaultyRegistry } from '../support/faulty-registry.ts'
import { tempDir } from '../support/temp.ts'

const signal = new AbortController().signal
const auth = (text: string): { auth: string } => ({ auth: Buffer.from(text).toString('base64') })

/** A home with a docker config of these fields. */
function homeWith(config: object): { env: Environment; path: string; read: () => Record<string, unknown> } {
  const home = tempDir()
  const path = join(home, '.docker', 'config.json')
  mkdirSync(dirname(path))
  writeFileSync(path, JSON.stringify(config))
  const env = { HOME: home, PATH: `${home}/bin:${process.env['PATH'] ?? ''}` }
  return { env, path, read: () => JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown> }
}

/** A helper that keeps one file per server in its home, and logs its calls. */
function installHelper(env: Environment, name: string): { calls: () => string[] } {
  const home = env['HOME']!
  const log = join(home, 'calls')
  mkdirSync(join(home, 'bin'), { recursive: true })
  const program = join(home, 'bin', `docker-credential-${name}`)
  writeFileSync(
    program,
    `#!/bin/sh
input=$(cat)
echo "$1 $input" >>${log}
case $1 in
  store) echo "$input" >${home}/kept ;;
  get) if [ -f ${home}/kept ]; then cat ${home}/kept; else echo "credentials not found in native keychain"; exit 1; fi ;;
  erase) rm -f ${home}/kept ;;
esac
`,
  )
  chmodSync(program, 0o755)
  return { calls: () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []) }
}

const find = (env: Environment, name: string): Promise<unknown> => {
  const [registry = '', ...rest] = name.split('/')
  return createCredentialProvider(env)({ registry, repository: rest.join('/') }, signal)
}

describe('files', () => {
  test('the entry with the longest matching path wins', async () => {
    const { env } = homeWith({
      auths: { 'reg.io': auth('host:1'), 'reg.io/team': auth('team:2'), 'reg.io/team/app': auth('app:3') },
    })
    expect(await find(env, 'reg.io/team/app')).toMatchObject({ username: 'app' })
    expect(await find(env, 'reg.io/team/other')).toMatchObject({ username: 'team' })
    expect(await find(env, 'reg.io/teams')).toMatchObject({ username: 'host' })
    expect(await find(env, 'reg.io.evil.com/team')).toBeUndefined()
    expect(await find(env, 'xreg.io/team')).toBeUndefined()
  })

  test('Docker Hub is found by its own key', async () => {
    const { env } = homeWith({ auths: { 'https://index.docker.io/v1/': auth('hub:pw') } })
    expect(await find(env, 'docker.io/library/debian')).toMatchObject({ username: 'hub', password: 'pw' })
  })

  test('auth.json is looked into after docker’s file', async () => {
    const { env } = homeWith({ auths: { 'a.io': auth('docker:1') } })
    const dir = join(env['HOME']!, '.config', 'containers')
    mkdirSync(dir, { recursive: true })
    writeFileSync(
      join(dir, 'auth.json'),
      JSON.stringify({ auths: { 'a.io': auth('podman:1'), 'b.io': auth('podman:2') } }),
    )
    expect(await find(env, 'a.io/x')).toMatchObject({ username: 'docker' })
    expect(await find(env, 'b.io/x')).toMatchObject({ username: 'podman' })
  })

  test('none, an empty one and one without logins give nothing; a broken one is an error', async () => {
    expect(await find({}, 'a.io/x')).toBeUndefined()
    expect(await find(homeWith({}).env, 'a.io/x')).toBeUndefined()
    const { env, path } = homeWith({})
    writeFileSync(path, '')
    expect(await find(env, 'a.io/x')).toBeUndefined()
    writeFileSync(path, '{"auths":')
    await expect(find(env, 'a.io/x')).rejects.toMatchObject({ code: 'json-invalid' })
  })
})

describe('a login', () => {
  const login = { server: 'reg.io', username: 'u', password: 'p' }

  test('is kept beside others, with unknown fields as they were, readable by its owner alone', async () => {
    const { env, path, read } = homeWith({ auths: { 'other.io': auth('o:1') }, HttpHeaders: { X: 'y' }, psFormat: 'z' })
    expect(await saveLogin(env, login, signal)).toEqual({ path, helper: undefined })
    expect(read()).toEqual({
      auths: { 'other.io': auth('o:1'), 'reg.io': auth('u:p') },
      HttpHeaders: { X: 'y' },
      psFormat: 'z',
    })
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(await find(env, 'reg.io/x')).toMatchObject({ username: 'u', password: 'p' })
  })

  test('makes file and folder where there are none', async () => {
    const home = tempDir()
    await saveLogin({ HOME: home }, login, signal)
    expect(statSync(join(home, '.docker')).mode & 0o777).toBe(0o700)
  })

  test('replaces an earlier one in whatever form it stood', async () => {
    const { env, read } = homeWith({ auths: { 'https://reg.io/v1/': auth('old:1') } })
    await saveLogin(env, login, signal)
    expect(read()['auths']).toEqual({ 'reg.io': auth('u:p') })
  })

  test('to Docker Hub stands under docker’s key', async () => {
    const { env, read } = homeWith({})
    await saveLogin(env, { ...login, server: 'docker.io' }, signal)
    expect(read()['auths']).toEqual({ 'https://index.docker.io/v1/': auth('u:p') })
  })

  test('goes through a symbolic link', async () => {
    const home = tempDir()
    mkdirSync(join(home, '.docker'))
    writeFileSync(join(home, 'real.json'), '{"a":1}')
    symlinkSync('../real.json', join(home, '.docker', 'config.json'))
    await saveLogin({ HOME: home }, login, signal)
    expect(JSON.parse(readFileSync(join(home, 'real.json'), 'utf8'))).toEqual({
      a: 1,
      auths: { 'reg.io': auth('u:p') },
    })
  })

  test('is forgotten alone', async () => {
    const { env, read } = homeWith({ auths: { 'reg.io': auth('u:p'), 'other.io': auth('o:1') }, x: 1 })
    expect(await removeLogin(env, 'reg.io', signal)).toBe(true)
    expect(read()).toEqual({ auths: { 'other.io': auth('o:1') }, x: 1 })
    expect(await removeLogin(env, 'reg.io', signal)).toBe(false)
  })
})

describe('helpers', () => {
  const login = { server: 'reg.io', username: 'u', password: 'p' }

  test('keep, give and forget a login; the file has no secret', async () => {
    const { env, read, path } = homeWith({ credsStore: 'test' })
    const helper = installHelper(env, 'test')
    expect(await find(env, 'reg.io/x')).toBeUndefined()
    expect(await saveLogin(env, login, signal)).toEqual({ path, helper: 'test' })
    expect(read()).toEqual({ credsStore: 'test', auths: { 'reg.io': {} } })
    writeFileSync(join(env['HOME']!, 'kept'), '{"ServerURL":"reg.io","Username":"u","Secret":"p"}')
    expect(await find(env, 'reg.io/x')).toMatchObject({ username: 'u', password: 'p' })
    expect(await removeLogin(env, 'reg.io', signal)).toBe(true)
    expect(read()).toEqual({ credsStore: 'test', auths: {} })
    expect(helper.calls().at(-1)).toBe('erase reg.io')
  })

  test('of credHelpers serve their host alone', async () => {
    const { env } = homeWith({ credHelpers: { 'reg.io': 'test' }, auths: { 'other.io': auth('o:1') } })
    const helper = installHelper(env, 'test')
    await find(env, 'other.io/x')
    expect(helper.calls()).toEqual([])
    await find(env, 'reg.io/x')
    expect(helper.calls()).toEqual(['get reg.io'])
  })

  test('are asked once', async () => {
    const { env } = homeWith({ credsStore: 'test' })
    const helper = installHelper(env, 'test')
    const provider = createCredentialProvider(env)
    const repository = { registry: 'docker.io', repository: 'library/debian' }
    await Promise.all([provider(repository, signal), provider(repository, signal)])
    await provider(repository, signal)
    expect(helper.calls()).toEqual(['get https://index.docker.io/v1/'])
  })

  test('give an identity token under the user <token>', async () => {
    const { env } = homeWith({ credsStore: 'test' })
    installHelper(env, 'test')
    writeFileSync(join(env['HOME']!, 'kept'), '{"Username":"<token>","Secret":"identity"}')
    expect(await find(env, 'reg.io/x')).toMatchObject({ identityToken: 'identity' })
  })

  test('that are missing, fail or have a path as name are errors', async () => {
    await expect(find(homeWith({ credsStore: 'nowhere' }).env, 'reg.io/x')).rejects.toMatchObject({
      code: 'auth-failed',
      // EACCES where a folder of PATH may not be looked into.
      message: expect.stringMatching(/^docker-credential-nowhere cannot be run \((ENOENT|EACCES)\)$/) as string,
    })
    await expect(find(homeWith({ credsStore: '../evil' }).env, 'reg.io/x')).rejects.toMatchObject({
      code: 'config-invalid',
    })
  })

  test('that hang are ended by cancellation', async () => {
    const { env } = homeWith({ credsStore: 'slow' })
    mkdirSync(join(env['HOME']!, 'bin'))
    const program = join(env['HOME']!, 'bin', 'docker-credential-slow')
    writeFileSync(program, '#!/bin/sh\nexec sleep 60\n')
    chmodSync(program, 0o755)
    const finding = createCredentialProvider(env)({ registry: 'reg.io', repository: 'x' }, AbortSignal.timeout(100))
    await expect(finding).rejects.toMatchObject({ code: 'cancelled' })
  })
})

describe('a login is checked before it is kept', () => {
  const registry = useFaultyRegistry()
  const check = (username: string, password: string): Promise<void> =>
    checkLogin({ env: {} }, { server: registry.proxy.address, username, password }, signal)

  test.each(['basic', 'bearer'] as const)('by %s authentication', async (kind) => {
    registry.proxy.auth = { kind, username: 'u', password: 'right' }
    await check('u', 'right')
    await expect(check('u', 'wrong')).rejects.toMatchObject({
      code: 'auth-failed',
      hint: expect.stringMatching(/user and password/) as string,
    })
  })

  test('by a registry that wants none', async () => {
    await check('anyone', 'anything')
  })
})
