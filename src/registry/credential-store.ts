/** Finds, keeps and forgets credentials where docker and the containers tools do. */
import { type JsonObject, isJsonObject, stringRecord } from '../core/json.ts'
import type { Environment } from '../http/proxy.ts'
import {
  type AuthFile,
  authFilePaths,
  dockerHubKey,
  keysFor,
  loginFilePath,
  normalizeKey,
  parseAuthEntry,
  readAuthFile,
  writeAuthFile,
} from './auth-file.ts'
import { type Helper, askHelper, eraseInHelper, storeInHelper } from './credential-helper.ts'
import type { Repository } from './contract.ts'
import type { Credential, CredentialProvider } from './credential.ts'
import { shareResults } from './shared.ts'

/**
 * A provider that looks into the files of `authFilePaths` and asks their helpers. Helpers may be slow: each answer is kept as long
 * as the provider.
 */
export function createCredentialProvider(env: Environment): CredentialProvider {
  const found = shareResults<Credential | undefined>()
  return (repository, signal) =>
    found.get(`${repository.registry}/${repository.repository}`, signal, (inner) => find(env, repository, inner))
}

async function find(env: Environment, repository: Repository, signal: AbortSignal): Promise<Credential | undefined> {
  for (const path of authFilePaths(env)) {
    const file = await readAuthFile(path)
    const helper = helperFor(file, repository.registry, env)
    const kept = helper && (await askHelper(helper, serverKey(repository.registry), signal))
    const credential = kept ?? entryFor(file, repository)
    if (credential) return credential
  }
  return undefined
}

function entryFor(file: AuthFile, { registry, repository }: Repository): Credential | undefined {
  const entries = new Map(Object.entries(authsOf(file)).map(([key, value]) => [normalizeKey(key), value]))
  for (const key of keysFor(normalizeKey(registry), repository)) {
    const credential = parseAuthEntry(entries.get(key))
    if (credential) return credential
  }
  return undefined
}

function authsOf(file: AuthFile): JsonObject {
  return isJsonObject(file.raw['auths']) ? file.raw['auths'] : {}
}

/** The helper for a server: its own in `credHelpers`, else the general `credsStore`. */
function helperFor(file: AuthFile, registry: string, env: Environment): Helper | undefined {
  const own = Object.entries(stringRecord(file.raw['credHelpers'])).find(
    ([key]) => normalizeKey(key) === normalizeKey(registry),
  )
  const general = typeof file.raw['credsStore'] === 'string' ? file.raw['credsStore'] : ''
  const name = own?.[1] ?? general
  return name === '' ? undefined : { name, env }
}

/** The name under which a server is kept: Docker Hub has one of its own. */
function serverKey(server: string): string {
  return normalizeKey(server) === 'docker.io' ? dockerHubKey : normalizeKey(server)
}

/** Where a login was kept. */
export interface LoginPlace {
  readonly path: string
  /** The helper that keeps it; undefined if it stands in the file itself, where base64 is no encryption. */
  readonly helper: string | undefined
}

/**
 * Keeps user and password of a server, in the configured helper or else in the file. Other entries and unknown fields stay.
 * @throws WherryError `auth-failed` (helper), `io`, `config-invalid`, `json-invalid`
 */
export async function saveLogin(
  env: Environment,
  login: { readonly server: string; readonly username: string; readonly password: string },
  signal: AbortSignal,
): Promise<LoginPlace> {
  const file = await readAuthFile(loginFilePath(env))
  const key = serverKey(login.server)
  const helper = helperFor(file, login.server, env)
  if (helper) await storeInHelper(helper, key, login, signal)
  // docker, too, writes an empty entry for what a helper keeps: it is the list of logins.
  const entry = helper ? {} : { auth: Buffer.from(`${login.username}:${login.password}`).toString('base64') }
  await writeAuthFile({
    ...file,
    raw: { ...file.raw, auths: { ...withoutServer(authsOf(file), login.server), [key]: entry } },
  })
  return { path: file.path, helper: helper?.name }
}

/**
 * Forgets one server, in the helper and in every file; true if it was known.
 * @throws WherryError `auth-failed` (helper), `io`, `config-invalid`, `json-invalid`
 */
export async function removeLogin(env: Environment, server: string, signal: AbortSignal): Promise<boolean> {
  let isRemoved = false
  for (const path of authFilePaths(env)) {
    const file = await readAuthFile(path)
    const helper = helperFor(file, server, env)
    if (helper && (await eraseInHelper(helper, serverKey(server), signal))) isRemoved = true
    const auths = authsOf(file)
    const rest = withoutServer(auths, server)
    if (Object.keys(rest).length === Object.keys(auths).length) continue
    await writeAuthFile({ ...file, raw: { ...file.raw, auths: rest } })
    isRemoved = true
  }
  return isRemoved
}

function withoutServer(auths: JsonObject, server: string): JsonObject {
  return Object.fromEntries(Object.entries(auths).filter(([key]) => normalizeKey(key) !== normalizeKey(server)))
}
