/** Signatures and tokens of webhooks, compared in constant time; pure. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** True if two texts are the same. What is compared are digests: they tell neither length nor where the texts differ. */
export function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}

/** True if `given` is the HMAC-SHA256 of the bytes in hexadecimal. */
export function isHmac(given: string | undefined, bytes: Buffer, secret: string): boolean {
  const expected = createHmac('sha256', secret).update(bytes).digest('hex')
  return sameText((given ?? '').toLowerCase(), expected)
}

/** As `isHmac`, of a header `sha256=…`. */
export function isPrefixedHmac(given: string | undefined, bytes: Buffer, secret: string): boolean {
  const hex = /^sha256=(.*)$/s.exec(given ?? '')?.[1]
  return isHmac(hex, bytes, secret)
}

/** A name for a body. */
export function bodyName(bytes: Buffer): string {
  return `body ${createHash('sha256').update(bytes).digest('hex')}`
}

/** A name for a delivery's id, as long as the host chose to make it. */
export function idName(id: string | undefined): string[] {
  return id === undefined || id === '' ? [] : [`id ${createHash('sha256').update(id).digest('hex')}`]
}
