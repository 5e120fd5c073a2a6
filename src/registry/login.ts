/** Checks user and password against a registry before they are kept. */
import { WherryError } from '../core/errors.ts'
import { discard } from '../http/message.ts'
import { type RegistryClientOptions, createConnector } from './client.ts'
import { registryError } from './answer.ts'
import { normalizeKey } from './auth-file.ts'
import { loadRegistryRules, routesFor } from './config.ts'

/** User and password for a server. */
export interface Login {
  readonly server: string
  readonly username: string
  readonly password: string
}

/**
 * Asks the registry's `/v2/` with these credentials; returns if they are accepted, or none are wanted.
 * @throws WherryError `auth-failed`, `network`, `registry`, `cancelled`
 */
export async function checkLogin(
  options: Omit<RegistryClientOptions, 'credentials'>,
  { server, username, password }: Login,
  signal: AbortSignal,
): Promise<void> {
  const connector = createConnector({ ...options, credentials: () => Promise.resolve({ username, password }) })
  const registry = normalizeKey(server)
  const name = { registry, repository: '' }
  const route = routesFor(await loadRegistryRules(options.env), name, undefined).at(-1)!
  const connection = await connector.connect(name, route, signal)
  const response = await connection.send({ method: 'GET', url: '', repository: undefined, actions: 'pull' }, signal)
  if (response.status < 400) {
    discard(response)
    return
  }
  const what = `logging in as "${username}"`
  const refusal = await registryError(response, { what, of: registry, kind: 'read', isLoggedIn: true })
  const { code, message, details } = refusal
  throw new WherryError(code, message, {
    details,
    hint: 'Check user and password; many registries want a token as password.',
  })
}
