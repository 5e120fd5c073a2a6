/** containers-registries.conf(5), version 2: which host serves a name, mirrors, blocked and insecure registries. */
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { WherryError, errnoOf } from '../core/errors.ts'
import type { Environment } from '../http/proxy.ts'
import type { Repository } from './contract.ts'

/** A place to ask for a repository. */
export interface Endpoint {
  /** `host[:port]`, optionally with a path that replaces the prefix. */
  readonly location: string
  readonly insecure: boolean
  /** Which references a mirror is asked for. */
  readonly pulls: 'all' | 'digest-only' | 'tag-only'
}

/** One `[[registry]]` table. */
export interface RegistryRule {
  /** `host`, `host/path`, or `*.host`. */
  readonly prefix: string
  readonly primary: Endpoint
  readonly blocked: boolean
  readonly mirrors: readonly Endpoint[]
}

/**
 * Reads $CONTAINERS_REGISTRIES_CONF, else the user's registries.conf, else the system's, and the drop-in folders, whose later
 * files win. No file means no rules.
 * @throws WherryError `config-invalid`
 */
export async function loadRegistryRules(env: Environment): Promise<readonly RegistryRule[]> {
  const rules = new Map<string, RegistryRule>()
  for (const path of await configFiles(env)) {
    const text = await readIfThere(path)
    if (text === undefined || isOnlyComments(text)) continue
    for (const rule of await parseRegistryRules(text, path)) rules.set(rule.prefix, rule)
  }
  return [...rules.values()]
}

async function configFiles(env: Environment): Promise<string[]> {
  const given = env['CONTAINERS_REGISTRIES_CONF'] || env['REGISTRIES_CONFIG_PATH']
  if (given) return [given]
  const user = userConfigDir(env)
  const own = user === undefined ? undefined : join(user, 'registries.conf')
  const main = own !== undefined && (await readIfThere(own)) !== undefined ? own : '/etc/containers/registries.conf'
  const dropIns = [
    '/etc/containers/registries.conf.d',
    ...(user === undefined ? [] : [join(user, 'registries.conf.d')]),
  ]
  return [main, ...(await Promise.all(dropIns.map(listConf))).flat()]
}

/** The user's folder of the containers tools, or undefined without a home. */
export function userConfigDir(env: Environment): string | undefined {
  const base = env['XDG_CONFIG_HOME'] || (env['HOME'] ? join(env['HOME'], '.config') : undefined)
  return base === undefined ? undefined : join(base, 'containers')
}

async function listConf(dir: string): Promise<string[]> {
  try {
    const names = await readdir(dir)
    return names
      .filter((name) => name.endsWith('.conf'))
      .sort()
      .map((name) => join(dir, name))
  } catch (error) {
    if (isAbsence(error)) return []
    throw error
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isAbsence(error)) return undefined
    throw new WherryError('config-invalid', `${path} cannot be read (${errnoOf(error) ?? 'error'})`, { cause: error })
  }
}

function isAbsence(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'EACCES'].includes(errnoOf(error) ?? '')
}

/** Distributions ship a file of comments: the TOML parser is not loaded for it. */
function isOnlyComments(text: string): boolean {
  return text.split('\n').every((line) => /^\s*(#|$)/.test(line))
}

/**
 * The rules of one file's text. Version 1 files (`[registries.search]`) are refused, as the ecosystem does.
 * @throws WherryError `config-invalid`
 */
export async function parseRegistryRules(text: string, path: string): Promise<RegistryRule[]> {
  const { parse } = await import('smol-toml')
  let document: Record<string, unknown>
  try {
    document = parse(text)
  } catch (cause) {
    throw new WherryError('config-invalid', `${path} is not valid TOML`, { cause })
  }
  if (document['registries'] !== undefined) {
    throw new WherryError('config-invalid', `${path} has version 1 of the format, which wherry does not read`, {
      hint: 'Write [[registry]] tables; see containers-registries.conf(5).',
    })
  }
  return tablesOf(document['registry']).map((table) => ruleOf(table, path))
}

function ruleOf(table: Record<string, unknown>, path: string): RegistryRule {
  const location = textOf(table['location'])
  const prefix = textOf(table['prefix']) ?? location
  if (prefix === undefined) {
    throw new WherryError('config-invalid', `${path} has a [[registry]] with neither prefix nor location`)
  }
  const digestOnly = table['mirror-by-digest-only'] === true
  return {
    prefix,
    blocked: table['blocked'] === true,
    primary: { location: location ?? prefix, insecure: table['insecure'] === true, pulls: 'all' },
    mirrors: tablesOf(table['mirror']).flatMap((mirror) => {
      const at = textOf(mirror['location'])
      return at === undefined
        ? []
        : [{ location: at, insecure: mirror['insecure'] === true, pulls: pullsOf(mirror, digestOnly) }]
    }),
  }
}

function pullsOf(mirror: Record<string, unknown>, digestOnly: boolean): Endpoint['pulls'] {
  const own = mirror['pull-from-mirror']
  if (own === 'digest-only' || own === 'tag-only' || own === 'all') return own
  return digestOnly ? 'digest-only' : 'all'
}

function tablesOf(value: unknown): Record<string, unknown>[] {
  const isTable = (item: unknown): item is Record<string, unknown> => typeof item === 'object' && item !== null
  return Array.isArray(value) ? value.filter(isTable) : []
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.replace(/\/+$/, '') : undefined
}

/** A repository at a host. */
export interface Route {
  readonly host: string
  readonly repository: string
  readonly insecure: boolean
}

/**
 * Where to ask for a repository: mirrors first, the registry itself last; pushes go to the last.
 * @throws WherryError `registry` if the name is blocked
 */
export function routesFor(rules: readonly RegistryRule[], name: Repository, reference: string | undefined): Route[] {
  const full = `${name.registry}/${name.repository}`
  const rule = longestMatch(rules, full)
  if (!rule) return [{ host: name.registry, repository: name.repository, insecure: false }]
  if (rule.blocked) {
    throw new WherryError('registry', `registries.conf blocks ${full}`, {
      hint: `Remove "blocked" from the entry for ${rule.prefix}.`,
    })
  }
  const isDigest = reference?.includes(':') === true
  const mirrors = rule.mirrors.filter((m) => m.pulls === 'all' || (m.pulls === 'digest-only') === isDigest)
  return [...mirrors, rule.primary].map((endpoint) => routeOf(endpoint, rule, full))
}

function longestMatch(rules: readonly RegistryRule[], full: string): RegistryRule | undefined {
  const matching = rules.filter(({ prefix }) =>
    prefix.startsWith('*.')
      ? full.split('/')[0]!.replace(/:\d+$/, '').endsWith(prefix.slice(1))
      : full === prefix || full.startsWith(`${prefix}/`),
  )
  return matching.sort((a, b) => b.prefix.length - a.prefix.length)[0]
}

function routeOf(endpoint: Endpoint, rule: RegistryRule, full: string): Route {
  const isWildcard = rule.prefix.startsWith('*.')
  // A wildcard without a location of its own keeps the name as it is.
  if (isWildcard && endpoint.location === rule.prefix) return splitName(full, endpoint.insecure)
  const rest = isWildcard ? full.slice(full.indexOf('/')) : full.slice(rule.prefix.length)
  return splitName(`${endpoint.location}${rest}`, endpoint.insecure)
}

function splitName(name: string, insecure: boolean): Route {
  const slash = name.indexOf('/')
  return { host: name.slice(0, slash), repository: name.slice(slash + 1), insecure }
}
