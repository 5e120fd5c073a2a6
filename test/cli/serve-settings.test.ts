/** Options and environment of `registry serve`. */
import { expect, it } from 'vitest'
import { serveOptions, serveSettings } from '../../src/cli/serve-settings.ts'

type Options = Parameters<typeof serveSettings>[0]

const settings = (
  options: Partial<Options> = {},
  env: Record<string, string> = {},
): ReturnType<typeof serveSettings> => {
  const none = Object.fromEntries(Object.keys(serveOptions).map((name) => [name, undefined]))
  const given = { delete: true, 'read-only': false, quiet: false, 'autobuild-only': [], ...options }
  return serveSettings({ ...none, ...given } as Options, env)
}

it('are what docker-registry calls them in the environment; options win', () => {
  expect(settings()).toMatchObject({ listen: '127.0.0.1:5000', logLevel: 'info', isReadOnly: false })
  const env = {
    REGISTRY_HTTP_ADDR: ':5001',
    REGISTRY_STORAGE: 'filesystem',
    REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: '/srv',
    REGISTRY_STORAGE_DELETE_ENABLED: 'false',
    REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED: 'true',
    REGISTRY_HTTP_TLS_CERTIFICATE: 'c',
    REGISTRY_HTTP_TLS_KEY: 'k',
    REGISTRY_AUTH: 'htpasswd',
    REGISTRY_AUTH_HTPASSWD_REALM: 'r',
    REGISTRY_AUTH_FILE: '/home/me/auth.json',
    REGISTRY_AUTH_HTPASSWD_PATH: 'p',
    REGISTRY_LOG_LEVEL: 'debug',
    REGISTRY_PORT: 'tcp://10.0.0.1:80',
  }
  expect(settings({}, env)).toEqual({
    listen: ':5001',
    storage: '/srv',
    tls: { certificate: 'c', key: 'k' },
    token: undefined,
    htpasswd: 'p',
    isReadOnly: true,
    isDeleteRefused: true,
    logLevel: 'debug',
    reserved: undefined,
  })
  expect(settings({ listen: '5002', storage: '/other' }, env)).toMatchObject({ listen: '5002', storage: '/other' })
  expect(settings({ quiet: true }).logLevel).toBe('warn')
})

it.each<[Partial<Options>, Record<string, string>, string]>([
  [{ 'autobuild-only': ['team/app'] }, {}, '--autobuild-only and --autobuild-token are needed both'],
  [{ 'autobuild-only': ['Team'], 'autobuild-token': 't' }, {}, '--autobuild-only "Team" is no name of a repository'],
  [{ storage: 's3://bucket' }, {}, 'stores in a local folder and nowhere else'],
  [{}, { REGISTRY_STORAGE: 's3' }, 'REGISTRY_STORAGE=s3: the embedded registry stores in a local folder'],
  [{}, { REGISTRY_STORAGE_GCS_BUCKET: 'b' }, 'REGISTRY_STORAGE_GCS_BUCKET=…: the embedded registry'],
  [{}, { REGISTRY_AUTH: 'silly' }, 'REGISTRY_AUTH is set'],
  [{}, { REGISTRY_PROXY_REMOTEURL: 'https://x' }, 'REGISTRY_PROXY_REMOTEURL is set'],
  [{}, { REGISTRY_STORAGE_DELETE_ENABLED: 'yes' }, 'neither true nor false'],
  [{}, { REGISTRY_LOG_LEVEL: 'loud' }, 'none of error, warn, info, debug'],
  [{ 'tls-cert': 'c' }, {}, 'needed both'],
  [{ 'token-realm': 'https://x' }, {}, 'needed all'],
  [{ 'token-realm': '"', 'token-service': 's', 'token-issuer': 'i', 'token-key': 'k' }, {}, 'cannot be asked for'],
  [
    { htpasswd: 'p', 'token-realm': 'https://x', 'token-service': 's', 'token-issuer': 'i', 'token-key': 'k' },
    {},
    'exclude',
  ],
])('%o with %o is refused', (options, env, message) => {
  expect(() => settings(options, env)).toThrow(message)
})
