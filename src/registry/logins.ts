/** Who is logged in where, without secrets. */
import { isJsonObject, stringRecord } from '../core/json.ts'
import type { Environment } from '../http/proxy.ts'
import { authFilePaths, normalizeKey, parseAuthEntry, readAuthFile } from './auth-file.ts'
import { askHelper } from './credential-helper.ts'

/** A login that docker's or the containers tools' files tell of. */
export interface Login {
  /** `docker.io`, `reg.example.com:5000`. */
  readonly server: string
  /** Undefined if the program that keeps it does not say. */
  readonly username: string | undefined
}

/** The logins of all files, each server once. What cannot be read counts as none. */
export async function listLogins(env: Environment, signal: AbortSignal): Promise<Login[]> {
  const logins = new Map<string, Login>()
  for (const path of authFilePaths(env)) {
    for (const login of await loginsIn(path, env, signal).catch(() => [])) {
      if (!logins.has(login.server)) logins.set(login.server, login)
    }
  }
  return [...logins.values()].sort((a, b) => (a.server < b.server ? -1 : 1))
}

async function loginsIn(path: string, env: Environment, signal: AbortSignal): Promise<Login[]> {
  const { raw } = await readAuthFile(path)
  const helpers = stringRecord(raw['credHelpers'])
  const general = typeof raw['credsStore'] === 'string' && raw['credsStore'] !== '' ? raw['credsStore'] : undefined
  const entries = isJsonObject(raw['auths']) ? raw['auths'] : {}
  const keys = new Set([...Object.keys(entries), ...Object.keys(helpers)])
  return Promise.all(
    [...keys].map(async (key) => {
      const server = normalizeKey(key)
      const own = parseAuthEntry(entries[key])
      const name = helpers[key] ?? general
      const kept =
        own ?? (name === undefined ? undefined : await askHelper({ name, env }, key, signal).catch(() => undefined))
      return { server, username: kept?.username }
    }),
  )
}
