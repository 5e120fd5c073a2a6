/** What `registry serve` is told by options and by the environment, under the names that Debian's docker-registry has; pure. */
import { WherryError } from '../core/errors.ts'
import { checkRepository } from '../registry-server/names.ts'
import type { OptionTable, OptionValues } from './command.ts'
import { type TlsFiles, tlsFiles, tlsOptions } from './tls-options.ts'

export const logLevels = ['error', 'warn', 'info', 'debug'] as const

/** How much the server says. */
export type LogLevel = (typeof logLevels)[number]

export const serveOptions = {
  listen: { kind: 'string', value: 'HOST:PORT', help: 'Address (default 127.0.0.1:5000; port 0 takes a free one)' },
  storage: { kind: 'string', value: 'DIR', help: 'Folder of the blobs and repositories (default: the local store)' },
  ...tlsOptions,
  htpasswd: { kind: 'string', value: 'FILE', help: 'Names and bcrypt hashes (htpasswd -B) of who may do everything' },
  'token-realm': { kind: 'string', value: 'URL', help: 'Take tokens of the token server at this URL' },
  'token-service': { kind: 'string', value: 'NAME', help: 'Name of this registry, for which tokens must be' },
  'token-issuer': { kind: 'string', value: 'NAME', help: 'Who must have made a token' },
  'token-key': { kind: 'string', value: 'FILE', help: 'PEM certificates or public keys that sign tokens' },
  'autobuild-only': {
    kind: 'list',
    value: 'NAME',
    help: 'Repository that only automatic builds push to, with the token of --autobuild-token',
  },
  'autobuild-token': {
    kind: 'string',
    value: 'FILE',
    help: 'Their token, which only you can read; made if it is not there',
  },
  delete: { kind: 'boolean', on: true, help: 'Let clients delete manifests, tags and blobs' },
  'read-only': { kind: 'boolean', help: 'Refuse everything that would change something' },
  'log-level': {
    kind: 'string',
    value: 'LEVEL',
    choices: logLevels,
    help: 'What is logged: failures, warnings, requests (default info), clients',
  },
  quiet: { kind: 'boolean', short: 'q', help: 'Log no requests, like --log-level warn' },
} as const satisfies OptionTable

/** Everything that the server is told. Files are paths as they were given. */
export interface ServeSettings {
  readonly listen: string
  readonly storage: string | undefined
  readonly tls: TlsFiles | undefined
  readonly token:
    | { readonly realm: string; readonly service: string; readonly issuer: string; readonly keys: string }
    | undefined
  readonly htpasswd: string | undefined
  /** Repositories for automatic builds alone, and the file of their token. */
  readonly reserved: { readonly repositories: readonly string[]; readonly token: string } | undefined
  readonly isReadOnly: boolean
  readonly isDeleteRefused: boolean
  readonly logLevel: LogLevel
}

type Environment = Readonly<Record<string, string | undefined>>

/** Variables that stand for options. */
const variables = {
  listen: 'REGISTRY_HTTP_ADDR',
  storage: 'REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY',
  'tls-cert': 'REGISTRY_HTTP_TLS_CERTIFICATE',
  'tls-key': 'REGISTRY_HTTP_TLS_KEY',
  htpasswd: 'REGISTRY_AUTH_HTPASSWD_PATH',
  'token-realm': 'REGISTRY_AUTH_TOKEN_REALM',
  'token-service': 'REGISTRY_AUTH_TOKEN_SERVICE',
  'token-issuer': 'REGISTRY_AUTH_TOKEN_ISSUER',
  'token-key': 'REGISTRY_AUTH_TOKEN_ROOTCERTBUNDLE',
  'log-level': 'REGISTRY_LOG_LEVEL',
} as const
const deleteVariable = 'REGISTRY_STORAGE_DELETE_ENABLED'
const readOnlyVariable = 'REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED'
/** A realm is only shown to people, so any will do; the other one is of clients: where the containers tools keep credentials. */
const harmless = ['REGISTRY_AUTH_HTPASSWD_REALM', 'REGISTRY_AUTH_FILE']
/** Choose a kind: only these values mean something here. */
const kinds: Readonly<Record<string, readonly string[]>> = {
  REGISTRY_STORAGE: ['filesystem'],
  REGISTRY_AUTH: ['htpasswd', 'token'],
}
/** Parts of docker-registry's configuration: a variable of one of them that is not known here is refused. */
const sections = /^REGISTRY_(AUTH|STORAGE|HTTP|LOG|PROXY|REDIS|MIDDLEWARE|NOTIFICATIONS|VALIDATION|HEALTH|POLICY)(_|$)/

/** Options over environment. @throws WherryError `usage`, `not-implemented` */
export function serveSettings(options: OptionValues<typeof serveOptions>, env: Environment): ServeSettings {
  refuseUnknown(env)
  const text = (name: keyof typeof variables): string | undefined =>
    options[name] ?? (env[variables[name]] || undefined)
  const storage = text('storage')
  if (storage !== undefined && /^[a-z0-9]+:\/\//i.test(storage)) throw onlyLocal(`--storage "${storage}"`)
  const [htpasswd, token] = [text('htpasswd'), tokenOf(text)]
  if (htpasswd !== undefined && token !== undefined) {
    throw new WherryError('usage', '--htpasswd and --token-realm exclude each other')
  }
  return {
    listen: text('listen') ?? '127.0.0.1:5000',
    storage,
    tls: tlsFiles(text('tls-cert'), text('tls-key')),
    token,
    htpasswd,
    reserved: reservedOf(options, token),
    isReadOnly: options['read-only'] || truth(env, readOnlyVariable) === true,
    isDeleteRefused: !options.delete || truth(env, deleteVariable) === false,
    logLevel: options.quiet ? 'warn' : levelOf(text('log-level') ?? 'info'),
  }
}

function refuseUnknown(env: Environment): void {
  const known: readonly string[] = [...Object.values(variables), deleteVariable, readOnlyVariable, ...harmless]
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || value === '' || known.includes(name) || !sections.test(name)) continue
    if (kinds[name]?.includes(value)) continue
    if (name.startsWith('REGISTRY_STORAGE')) throw onlyLocal(`${name}=${name === 'REGISTRY_STORAGE' ? value : '…'}`)
    throw new WherryError('not-implemented', `${name} is set, which the embedded registry does not know`, {
      hint: 'Unset it; docs/registry.md lists the variables that are known.',
    })
  }
}

function onlyLocal(what: string): WherryError {
  return new WherryError(
    'not-implemented',
    `${what}: the embedded registry stores in a local folder and nowhere else`,
    {
      hint: 'Give a folder with --storage.',
    },
  )
}

function tokenOf(text: (name: keyof typeof variables) => string | undefined): ServeSettings['token'] {
  const [realm, service, issuer, keys] = [
    text('token-realm'),
    text('token-service'),
    text('token-issuer'),
    text('token-key'),
  ]
  if ([realm, service, issuer, keys].every((part) => part === undefined)) return undefined
  if (realm === undefined || service === undefined || issuer === undefined || keys === undefined) {
    throw new WherryError('usage', '--token-realm, --token-service, --token-issuer and --token-key are needed all')
  }
  if (/["\r\n]/.test(realm + service) || !URL.canParse(realm)) {
    throw new WherryError('usage', `--token-realm "${realm}" with --token-service "${service}" cannot be asked for`, {
      hint: 'The realm is a URL, and neither has quotes.',
    })
  }
  return { realm, service, issuer, keys }
}

function reservedOf(
  options: Pick<OptionValues<typeof serveOptions>, 'autobuild-only' | 'autobuild-token'>,
  tokens: ServeSettings['token'],
): ServeSettings['reserved'] {
  const [repositories, token] = [options['autobuild-only'], options['autobuild-token']]
  if (repositories.length === 0 && token === undefined) return undefined
  if (repositories.length === 0 || token === undefined) {
    throw new WherryError('usage', '--autobuild-only and --autobuild-token are needed both')
  }
  if (tokens !== undefined) {
    throw new WherryError('usage', '--autobuild-only and --token-realm exclude each other', {
      hint: 'The token server says who may push where: let it give automatic builds a token.',
    })
  }
  const wrong = repositories.find((name) => !isRepositoryName(name))
  if (wrong === undefined) return { repositories, token }
  throw new WherryError('usage', `--autobuild-only "${wrong}" is no name of a repository`, {
    hint: 'Without the registry and without a tag: team/app.',
  })
}

function isRepositoryName(name: string): boolean {
  try {
    checkRepository(name)
    return true
  } catch {
    return false
  }
}

function truth(env: Environment, name: string): boolean | undefined {
  const value = env[name] || undefined
  if (value === undefined || /^(true|false)$/i.test(value))
    return value === undefined ? undefined : value.toLowerCase() === 'true'
  throw new WherryError('usage', `${name} is "${value}", which is neither true nor false`)
}

function levelOf(text: string): LogLevel {
  const level = logLevels.find((known) => known === text)
  if (level !== undefined) return level
  throw new WherryError('usage', `the log level "${text}" is none of ${logLevels.join(', ')}`)
}
