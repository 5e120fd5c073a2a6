/** Credential helpers: programs `docker-credential-<name>` that keep credentials in a keychain. Protocol of docker-credential-helpers. */
import { spawn } from 'node:child_process'
import { WherryError, errnoOf } from '../core/errors.ts'
import { parseJsonObject } from '../core/json.ts'
import type { Environment } from '../http/proxy.ts'
import type { Credential } from './credential.ts'

/** A helper and the environment that it is called in. */
export interface Helper {
  /** Its name without `docker-credential-`. */
  readonly name: string
  readonly env: Environment
}

const timeoutMs = 60_000
const maxOutputBytes = 1024 * 1024

/**
 * Asks a helper for a server's credential; undefined if it has none.
 * @throws WherryError `auth-failed` if it cannot be run or fails, `cancelled`
 */
export async function askHelper(helper: Helper, server: string, signal: AbortSignal): Promise<Credential | undefined> {
  const { code, output } = await run(helper, 'get', server, signal)
  if (code !== 0) {
    if (/credentials not found|not found in native keychain|no credentials/i.test(output)) return undefined
    throw failure(helper, 'get', output)
  }
  const answer = parseJsonObject(output, `the answer of docker-credential-${helper.name}`)
  const { Username: username, Secret: secret } = answer
  if (typeof username !== 'string' || typeof secret !== 'string' || secret === '') return undefined
  return username === '<token>' ? { username, password: secret, identityToken: secret } : { username, password: secret }
}

/** Gives a helper a credential to keep. @throws WherryError `auth-failed`, `cancelled` */
export async function storeInHelper(
  helper: Helper,
  server: string,
  credential: { readonly username: string; readonly password: string },
  signal: AbortSignal,
): Promise<void> {
  const input = JSON.stringify({ ServerURL: server, Username: credential.username, Secret: credential.password })
  const { code, output } = await run(helper, 'store', input, signal)
  if (code !== 0) throw failure(helper, 'store', output)
}

/** Makes a helper forget a server; true if it knew it. @throws WherryError `auth-failed`, `cancelled` */
export async function eraseInHelper(helper: Helper, server: string, signal: AbortSignal): Promise<boolean> {
  if ((await askHelper(helper, server, signal)) === undefined) return false
  const { code, output } = await run(helper, 'erase', server, signal)
  if (code !== 0) throw failure(helper, 'erase', output)
  return true
}

function failure({ name }: Helper, action: string, output: string): WherryError {
  const words = output
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, 300)
  return new WherryError(
    'auth-failed',
    `docker-credential-${name} ${action} failed${words === '' ? '' : `: ${words}`}`,
    {
      hint: 'The helper is named by credsStore or credHelpers in docker’s config.json.',
    },
  )
}

async function run(
  helper: Helper,
  action: 'get' | 'store' | 'erase',
  input: string,
  signal: AbortSignal,
): Promise<{ code: number; output: string }> {
  const program = `docker-credential-${helper.name}`
  if (!/^[\w.-]+$/.test(helper.name)) {
    throw new WherryError('config-invalid', `"${helper.name.slice(0, 100)}" is no name of a credential helper`)
  }
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  try {
    return await new Promise((resolve, reject) => {
      const child = spawn(program, [action], {
        env: { ...helper.env },
        stdio: ['pipe', 'pipe', 'ignore'],
        signal: limit,
      })
      let output = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text
        if (output.length > maxOutputBytes) child.kill()
      })
      // A helper that ends without reading is judged by its exit code.
      child.stdin.on('error', () => undefined).end(input)
      child.on('error', reject)
      child.on('close', (code) => resolve({ code: code ?? 1, output }))
    })
  } catch (cause) {
    if (signal.aborted) throw new WherryError('cancelled', 'cancelled', { cause })
    const why = limit.aborted
      ? `gave no answer in ${timeoutMs / 1000} s`
      : `cannot be run (${errnoOf(cause) ?? 'error'})`
    throw new WherryError('auth-failed', `${program} ${why}`, {
      hint: `Install it on the PATH, or remove it from docker’s config.json.`,
      cause,
    })
  }
}
