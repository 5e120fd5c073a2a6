/** Access by tokens of a token server: signed JSON Web Tokens that say what may be done. Distribution's "Token Authentication". */
import { type KeyObject, createPublicKey, verify } from 'node:crypto'
import { WherryError } from '../core/errors.ts'
import { type JsonObject, isJsonObject, stringArray } from '../core/json.ts'
import { type Access, type Need, unauthorized } from './access.ts'
import type { Refusal } from './refusal.ts'

/** Which tokens are taken. */
export interface TokenRules {
  /** URL at which clients get tokens. */
  readonly realm: string
  /** The name of this registry; a token's audience must have it. */
  readonly service: string
  /** Who must have made the token. */
  readonly issuer: string
  /** PEM certificates or public keys, any of which may have signed. */
  readonly keys: string
}

/** Clocks of two machines may differ by this, in seconds. */
const leeway = 60

/** Signature algorithms by kind of key. A token cannot choose one that its key is not for. RFC 7518 section 3. */
const algorithms: Readonly<Record<string, { readonly keyType: string; readonly hash: string | undefined }>> = {
  RS256: { keyType: 'rsa', hash: 'sha256' },
  RS384: { keyType: 'rsa', hash: 'sha384' },
  RS512: { keyType: 'rsa', hash: 'sha512' },
  ES256: { keyType: 'ec', hash: 'sha256' },
  ES384: { keyType: 'ec', hash: 'sha384' },
  EdDSA: { keyType: 'ed25519', hash: undefined },
}

/** Makes the check. @throws WherryError `config-invalid` if the keys cannot be read */
export function tokenAccess(rules: TokenRules): Access {
  const keys = readKeys(rules.keys)
  return {
    authorize: (header, need) => {
      const token = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1]
      if (token === undefined) return Promise.reject(challenge(rules, need))
      const claims = claimsOf(token, keys)
      if (claims === undefined || !isMeantForUs(claims, rules)) {
        return Promise.reject(challenge(rules, need, 'invalid_token'))
      }
      if (need && !grants(claims, need)) return Promise.reject(challenge(rules, need, 'insufficient_scope'))
      return Promise.resolve({
        user: typeof claims['sub'] === 'string' ? claims['sub'] : undefined,
        mayPull: (name) => grants(claims, { type: 'repository', name, actions: ['pull'] }),
      })
    },
  }
}

function readKeys(pem: string): KeyObject[] {
  const blocks = pem.match(/-----BEGIN ([A-Z ]+)-----[\s\S]*?-----END \1-----/g) ?? []
  try {
    // Node would take the public half out of a private key: such a file has no business here.
    if (blocks.length === 0 || blocks.some((block) => block.includes('PRIVATE KEY')))
      throw new TypeError('no public key')
    return blocks.map((block) => createPublicKey(block))
  } catch (cause) {
    throw new WherryError('config-invalid', 'the keys of the token server cannot be read', {
      hint: 'Give a PEM file with its certificate or its public key.',
      cause,
    })
  }
}

function challenge({ realm, service }: TokenRules, need: Need | undefined, error?: string): Refusal {
  const scope = need === undefined ? '' : `,scope="${need.type}:${need.name}:${need.actions.join(',')}"`
  const reason = error === undefined ? '' : `,error="${error}"`
  return unauthorized(`Bearer realm="${realm}",service="${service}"${scope}${reason}`, error?.replace('_', ' '))
}

/** The claims of a token that one of the keys signed. RFC 7515 section 5.2. */
function claimsOf(token: string, keys: readonly KeyObject[]): JsonObject | undefined {
  const [header = '', payload = '', signature = '', ...more] = token.split('.')
  const name = decode(header)?.['alg']
  const algorithm = typeof name === 'string' && Object.hasOwn(algorithms, name) ? algorithms[name] : undefined
  if (algorithm === undefined || more.length > 0) return undefined
  const isSigned = keys.some(
    (key) =>
      key.asymmetricKeyType === algorithm.keyType &&
      verify(
        algorithm.hash,
        Buffer.from(`${header}.${payload}`),
        { key, dsaEncoding: 'ieee-p1363' },
        Buffer.from(signature, 'base64url'),
      ),
  )
  return isSigned ? decode(payload) : undefined
}

function decode(part: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Issuer, audience and times. RFC 7519 section 4.1; a token without an end is none. */
function isMeantForUs(claims: JsonObject, { issuer, service }: TokenRules): boolean {
  const { iss, aud, exp, nbf } = claims
  const now = Date.now() / 1000
  return (
    iss === issuer &&
    (aud === service || (stringArray(aud)?.includes(service) ?? false)) &&
    typeof exp === 'number' &&
    now < exp + leeway &&
    (nbf === undefined || (typeof nbf === 'number' && now > nbf - leeway))
  )
}

function grants({ access }: JsonObject, need: Need): boolean {
  const granted = (Array.isArray(access) ? (access as readonly unknown[]) : [])
    .filter(isJsonObject)
    .filter((entry) => entry['type'] === need.type && entry['name'] === need.name)
    .flatMap((entry) => stringArray(entry['actions']) ?? [])
  return granted.includes('*') || need.actions.every((action) => granted.includes(action))
}
