/** The files in which docker and the containers tools keep credentials: which there are, how they are read and replaced. */
import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, realpath, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { WherryError, errnoOf } from '../core/errors.ts'
import { type JsonObject, isJsonObject, parseJsonObject } from '../core/json.ts'
import type { Environment } from '../http/proxy.ts'
import type { Credential } from './credential.ts'

/** The key under which docker keeps Docker Hub. */
export const dockerHubKey = 'https://index.docker.io/v1/'

/** A file's content; fields that wherry does not know are kept as they are. */
export interface AuthFile {
  readonly path: string
  readonly raw: JsonObject
}

/** Files to look into, in order: what is named by a variable, docker's, the containers tools'. */
export function authFilePaths(env: Environment): string[] {
  const home = env['HOME']
  const configHome = env['XDG_CONFIG_HOME'] || (home ? join(home, '.config') : undefined)
  const candidates = [
    env['REGISTRY_AUTH_FILE'],
    dockerConfigPath(env),
    env['XDG_RUNTIME_DIR'] && join(env['XDG_RUNTIME_DIR'], 'containers', 'auth.json'),
    configHome && join(configHome, 'containers', 'auth.json'),
  ]
  return [...new Set(candidates.filter((path): path is string => Boolean(path)))]
}

/**
 * The file that a login goes to: $REGISTRY_AUTH_FILE, else docker's.
 * @throws WherryError `config-invalid` without a home folder
 */
export function loginFilePath(env: Environment): string {
  const path = env['REGISTRY_AUTH_FILE'] || dockerConfigPath(env)
  if (path) return path
  throw new WherryError('config-invalid', 'there is no place for credentials', { hint: 'Set HOME or DOCKER_CONFIG.' })
}

function dockerConfigPath(env: Environment): string | undefined {
  const dir = env['DOCKER_CONFIG'] || (env['HOME'] ? join(env['HOME'], '.docker') : undefined)
  return dir === undefined ? undefined : join(dir, 'config.json')
}

/**
 * Reads a file; one that is absent or empty has no fields.
 * @throws WherryError `config-invalid`, `json-invalid`
 */
export async function readAuthFile(path: string): Promise<AuthFile> {
  try {
    const text = await readFile(path, 'utf8')
    return { path, raw: text.trim() === '' ? {} : parseJsonObject(text, path) }
  } catch (error) {
    if (error instanceof WherryError) throw error
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return { path, raw: {} }
    throw new WherryError('config-invalid', `${path} cannot be read (${errnoOf(error) ?? 'error'})`, { cause: error })
  }
}

/** Replaces a file whole, readable by its owner alone. A symbolic link stays one. */
export async function writeAuthFile({ path, raw }: AuthFile): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const real = await realpath(path).catch(() => path)
  const temp = join(dirname(real), `.wherry-${randomBytes(8).toString('hex')}`)
  try {
    const handle = await open(temp, 'wx', 0o600)
    try {
      await handle.writeFile(`${JSON.stringify(raw, null, '\t')}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temp, real)
  } catch (cause) {
    await rm(temp, { force: true })
    throw new WherryError('io', `${path} cannot be written (${errnoOf(cause) ?? 'error'})`, { cause })
  }
}

/**
 * Keys under which a repository's credentials may stand, most exact first: its path, every shorter one, the host. Matching is by
 * whole components and whole host names, so that a lookalike host gets nothing.
 */
export function keysFor(registry: string, repository: string): string[] {
  const parts = [registry, ...repository.split('/').filter((part) => part !== '')]
  return parts.map((_part, index) => parts.slice(0, parts.length - index).join('/'))
}

/** A file's key in the form of `keysFor`: without scheme, with the host alone where a scheme stood, docker.io for its other names. */
export function normalizeKey(key: string): string {
  const bare = key.replace(/^https?:\/\//, '')
  const name = bare === key ? key.replace(/\/+$/, '').replace(/\/v[12]$/, '') : bare.split('/')[0]!
  return name.replace(/^(index|registry-1)\.docker\.io(?=\/|$)/, 'docker.io')
}

/** An entry of `auths`: user and password in base64 or plain, identity and registry tokens. Undefined if it has none of them. */
export function parseAuthEntry(value: unknown): Credential | undefined {
  if (!isJsonObject(value)) return undefined
  const text = (key: string): string | undefined =>
    typeof value[key] === 'string' && value[key] !== '' ? value[key] : undefined
  const decoded = Buffer.from(text('auth') ?? '', 'base64')
    .toString('utf8')
    .replace(/\0+$/, '')
  const colon = decoded.indexOf(':')
  const username = colon > 0 ? decoded.slice(0, colon) : text('username')
  const password = colon > 0 ? decoded.slice(colon + 1) : text('password')
  const identityToken = text('identitytoken') ?? (username === '<token>' ? password : undefined)
  const bearer = text('registrytoken')
  if (username === undefined && identityToken === undefined && bearer === undefined) return undefined
  return { username, password, identityToken, bearer }
}
