/** Secrets of a configuration, read when they are needed: files may be replaced while the server runs. */
import { randomBytes } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { WherryError, errnoOf } from '../core/errors.ts'
import type { AutobuildConfig, SecretPlace } from './contract.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** A secret without the white space around it. @throws WherryError `config-invalid` if there is none */
export async function readSecret(place: SecretPlace, env: Environment): Promise<string> {
  if ('variable' in place) {
    const value = env[place.variable]?.trim()
    if (value) return value
    throw new WherryError('config-invalid', `the variable ${place.variable}, which should hold a secret, is not set`)
  }
  const text = await readFile(place.file, 'utf8').catch((cause: unknown) => {
    throw new WherryError('config-invalid', `the secret ${place.file} cannot be read (${errnoOf(cause) ?? 'error'})`, {
      cause,
    })
  })
  if (text.trim() !== '') return text.trim()
  throw new WherryError('config-invalid', `the secret ${place.file} is empty`)
}

/** As `readSecret`, of a file that nobody else may read. @throws WherryError `config-invalid` */
export async function readPrivate(place: SecretPlace, env: Environment): Promise<string> {
  const secret = await readSecret(place, env)
  if ('file' in place && ((await stat(place.file)).mode & 0o077) !== 0) {
    throw new WherryError('config-invalid', `${place.file} can be read by others`, { hint: 'chmod 600 it.' })
  }
  return secret
}

/**
 * The token in a file that nobody else may read; a file that is not there is made with a fresh one.
 * @throws WherryError `config-invalid`, `io`
 */
export async function readOrMakeToken(path: string): Promise<string> {
  try {
    await writeFile(path, `${randomBytes(32).toString('hex')}\n`, { flag: 'wx', mode: 0o600 })
  } catch (cause) {
    if (errnoOf(cause) !== 'EEXIST') {
      throw new WherryError('io', `${path} cannot be written (${errnoOf(cause) ?? 'error'})`, { cause })
    }
  }
  const token = await readPrivate({ file: path }, {})
  if (token.length >= 16) return token
  throw new WherryError('config-invalid', `the token in ${path} is shorter than 16 characters`)
}

/** Checks that every secret can be read. @throws WherryError `config-invalid` */
export async function checkSecrets({ repositories }: AutobuildConfig, env: Environment): Promise<void> {
  for (const { hook, gitToken, pushToken } of repositories) {
    for (const place of [hook?.secret, gitToken]) if (place !== undefined) await readSecret(place, env)
    if (pushToken !== undefined) await readPrivate(pushToken, env)
  }
}

const secretName = /(TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?|PRIVATE_KEY|API_KEY)$/i

/** Values of the environment that are secrets by their names. */
export function secretValues(env: Environment): string[] {
  return Object.entries(env).flatMap(([name, value]) =>
    secretName.test(name) && value !== undefined && value.length >= 8 ? [value] : [],
  )
}
