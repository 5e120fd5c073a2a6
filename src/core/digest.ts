/** Content digests: `sha256:` and 64 lower-case hexadecimal digits, the only algorithm that wherry writes. */
import { createHash } from 'node:crypto'
import { WherryError } from './errors.ts'

/** A checked digest string, `sha256:<64 hex>`. */
export type Digest = `sha256:${string}`

const pattern = /^sha256:[0-9a-f]{64}$/

/** True if `text` is a well-formed sha256 digest. */
export function isDigest(text: string): text is Digest {
  return pattern.test(text)
}

/**
 * Checks a digest from outside.
 * @throws WherryError `digest-invalid`
 */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text
  throw new WherryError('digest-invalid', `"${text.slice(0, 100)}" is not a sha256 digest`)
}

/** The digest with these 64 hexadecimal digits. */
export function digestFromHex(hex: string): Digest {
  return parseDigest(`sha256:${hex}`)
}

/** The 64 hexadecimal digits of a digest. */
export function hexOf(digest: Digest): string {
  return digest.slice('sha256:'.length)
}

/** The digest of bytes, or of a string's UTF-8 bytes. */
export function digestOf(data: string | Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(data).digest('hex')}`
}
