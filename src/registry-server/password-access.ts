/** Access by name and password, from a file that `htpasswd -B` writes. */
import { createHmac, randomBytes } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { compare } from 'bcryptjs'
import { WherryError, errnoOf } from '../core/errors.ts'
import { type Access, unauthorized } from './access.ts'

const challenge = 'Basic realm="wherry"'
/** Of a password that nobody knows: an unknown name takes as long as a wrong password. */
const nobody = '$2b$10$2RIna7EklyVOGoWOU4MaN.NZyittyS33b20G4sYM2OPOFbvPutSFe'
/** Checks that are remembered; bcrypt is slow on purpose, and a push has hundreds of requests. */
const maxRemembered = 1000

/** Hashes by user name. */
type Passwords = ReadonlyMap<string, string>

/**
 * Reads the file, and again whenever it changes; a change that cannot be read lets nobody in until it is mended.
 * @throws WherryError `config-invalid`
 */
export async function passwordAccess(path: string): Promise<Access> {
  const load = async (): Promise<{ passwords: Passwords; version: string }> => {
    const version = await versionOf(path)
    return { passwords: parsePasswords(await readText(path), path), version }
  }
  let loaded = await load()
  const secret = randomBytes(32)
  const remembered = new Map<string, Promise<boolean>>()
  const isRight = (user: string, password: string): Promise<boolean> => {
    const hash = loaded.passwords.get(user)
    // The hash is part of the key: a changed password is a new question.
    const key = createHmac('sha256', secret)
      .update(JSON.stringify([user, password, hash]))
      .digest('base64')
    const known = remembered.get(key)
    if (known) return known
    if (remembered.size >= maxRemembered) remembered.clear()
    const checking = compare(password, hash ?? nobody).then((isSame) => isSame && hash !== undefined)
    remembered.set(key, checking)
    return checking
  }
  return {
    authorize: async (header) => {
      const given = credentialOf(header)
      if (given === undefined) throw unauthorized(challenge)
      if ((await versionOf(path)) !== loaded.version) loaded = await load()
      if (!(await isRight(given.user, given.password))) throw unauthorized(challenge, 'wrong name or password')
      return { user: given.user, mayPull: () => true }
    },
  }
}

/** `name:hash` lines; empty lines and comments are skipped. @throws WherryError `config-invalid` for a hash that is not bcrypt's */
export function parsePasswords(text: string, path: string): Passwords {
  const passwords = new Map<string, string>()
  for (const [i, line] of text.split('\n').entries()) {
    if (/^\s*(#|$)/.test(line)) continue
    const [, user, hash] = /^([^:]+):(\$2[aby]\$\d\d\$[./A-Za-z0-9]{53})\s*$/.exec(line) ?? []
    if (user === undefined || hash === undefined) {
      throw new WherryError('config-invalid', `${path}, line ${i + 1}: not a name with a bcrypt hash`, {
        hint: 'htpasswd -B writes such lines; older kinds of hashes are not taken.',
      })
    }
    passwords.set(user, hash)
  }
  return passwords
}

async function versionOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(path)
    return `${ino} ${size} ${mtimeMs}`
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

function unreadable(path: string, cause: unknown): WherryError {
  return new WherryError('config-invalid', `${path} cannot be read (${errnoOf(cause) ?? 'error'})`, { cause })
}

/** RFC 7617. */
function credentialOf(header: string | undefined): { readonly user: string; readonly password: string } | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(header ?? '')?.[1]
  const text = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 1 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) }
}
