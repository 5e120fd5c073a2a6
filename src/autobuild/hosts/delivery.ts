/** One webhook request as the hosts' forms are read from it, and what can be wrong with it; pure. */
import type { JsonObject } from '../../core/json.ts'
import { isJsonObject } from '../../core/json.ts'
import type { Push } from '../contract.ts'

/** A request: its headers with names in lower case, and its body's exact bytes, which signatures are about. */
export interface Delivery {
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Buffer
}

/** What a delivery tells. */
export type HostEvent =
  | { readonly kind: 'push'; readonly pushes: readonly Push[] }
  /** The host tries whether the hook works. */
  | { readonly kind: 'ping' }
  /** Something that starts no build. */
  | { readonly kind: 'other'; readonly name: string }

/** What is remembered of a delivery, so that it is taken once. */
export interface DeliveryNames {
  /** Never taken again. */
  readonly once: readonly string[]
  /** Not taken if it is that of the last one of the repository: a host whose bodies do not say when may send one body again. */
  readonly notTwice: string | undefined
}

/** The form in which one host sends its webhooks. */
export interface Host {
  /** True if the sender knows the secret. Takes as long whatever is wrong. */
  isAuthentic(delivery: Delivery, secret: string, nowMs: number): boolean
  /** @throws Malformed for a body that has not the form that the host documents */
  read(this: void, delivery: Delivery): HostEvent
  names(delivery: Delivery): DeliveryNames
}

/** An authentic delivery that cannot be read. */
export class Malformed extends Error {}

/** The body as a JSON object; GitHub and Gitea can also send it as the field `payload` of a form. @throws Malformed */
export function payloadOf({ headers, body }: Delivery): JsonObject {
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(headers['content-type'] ?? '')
  const text = isForm ? (new URLSearchParams(body.toString('utf8')).get('payload') ?? '') : body.toString('utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Malformed('the body is no JSON')
  }
  if (isJsonObject(value)) return value
  throw new Malformed('the body is no JSON object')
}

/** A field that must be a text. @throws Malformed */
export function textOf(object: JsonObject, key: string): string {
  const value = object[key]
  if (typeof value === 'string' && value !== '' && value.length <= 1024) return value
  throw new Malformed(`the payload has no ${key}`)
}

/** A field that is an object's name; undefined for the zeros that stand for none. @throws Malformed */
export function objectNameOf(object: JsonObject, key: string): string | undefined {
  const name = textOf(object, key)
  if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(name)) throw new Malformed(`${key} is no name of an object`)
  return /^0+$/.test(name) ? undefined : name
}

/** A ref in full. @throws Malformed */
export function refOf(object: JsonObject, key: string): string {
  const ref = textOf(object, key)
  if (/^refs\/[^\s\u0000-\u001f\u007f]+$/.test(ref)) return ref
  throw new Malformed(`${key} is no ref`)
}

/** The push that `ref`, `before` and `after` of a payload tell of; none if the ref was deleted. @throws Malformed */
export function pushOf(payload: JsonObject): Push[] {
  const [ref, before, after] = [refOf(payload, 'ref'), objectNameOf(payload, 'before'), objectNameOf(payload, 'after')]
  return after === undefined ? [] : [{ ref, before, after }]
}
