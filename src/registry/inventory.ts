/** What is configured for registries and credentials, by name alone: no user, password or token leaves this file. */
import { isJsonObject, stringRecord } from '../core/json.ts'
import type { Environment } from '../http/proxy.ts'
import { authFilePaths, normalizeKey, readAuthFile } from './auth-file.ts'
import { loadRegistryRules } from './config.ts'

/** One credential helper that a file names. */
export interface HelperUse {
  /** The server it is for; undefined if for all. */
  readonly server?: string
  /** The program: `docker-credential-NAME`. */
  readonly program: string
}

/** One file of credentials that is there. */
export interface CredentialFile {
  readonly path: string
  /** Servers with credentials in the file itself. */
  readonly servers: readonly string[]
  readonly helpers: readonly HelperUse[]
}

/** What is configured for registries. */
export interface RegistryInventory {
  readonly files: readonly CredentialFile[]
  /** Prefixes of registries.conf, with what is said of them. */
  readonly rules: readonly string[]
  /** Why a file could not be read. */
  readonly problems: readonly string[]
}

/** Reads the files of credentials and registries.conf. Never rejects: what is wrong with them is among the problems. */
export async function registryInventory(env: Environment): Promise<RegistryInventory> {
  const problems: string[] = []
  const noted = async <T>(work: Promise<T>): Promise<T | undefined> => {
    try {
      return await work
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error))
      return undefined
    }
  }
  const files = await Promise.all(authFilePaths(env).map((path) => noted(describeFile(path))))
  const rules = (await noted(loadRegistryRules(env))) ?? []
  return {
    files: files.filter((file) => file !== undefined).filter((f) => f.servers.length + f.helpers.length > 0),
    rules: rules.map(({ prefix, blocked, mirrors, primary }) => {
      const said = [
        ...(blocked ? ['blocked'] : []),
        ...(primary.insecure ? ['insecure'] : []),
        ...mirrors.map((mirror) => `mirror ${mirror.location}`),
      ]
      return said.length === 0 ? prefix : `${prefix} (${said.join(', ')})`
    }),
    problems,
  }
}

async function describeFile(path: string): Promise<CredentialFile> {
  const { raw } = await readAuthFile(path)
  const auths = isJsonObject(raw['auths']) ? raw['auths'] : {}
  const own = Object.entries(stringRecord(raw['credHelpers']))
  const general = typeof raw['credsStore'] === 'string' && raw['credsStore'] !== '' ? [raw['credsStore']] : []
  return {
    path,
    // An entry without fields is a list's: its credentials are with a helper.
    servers: Object.entries(auths).flatMap(([key, value]) =>
      isJsonObject(value) && Object.keys(value).length > 0 ? [normalizeKey(key)] : [],
    ),
    helpers: [
      ...general.map((name) => ({ program: `docker-credential-${name}` })),
      ...own.map(([server, name]) => ({ server: normalizeKey(server), program: `docker-credential-${name}` })),
    ],
  }
}
