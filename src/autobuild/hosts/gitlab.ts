/** Webhooks of GitLab. docs.gitlab.com, "Webhooks" and "Webhook events"; pure. */
import { createHmac } from 'node:crypto'
import { type Delivery, type Host, payloadOf, pushOf, textOf } from './delivery.ts'
import { bodyName, idName, sameText } from './signature.ts'

/** A signed delivery may be this much older or newer than our clock, in milliseconds. Standard Webhooks, "Verifying". */
const toleranceMs = 5 * 60_000

/** A signing token has 32 bytes; what is no base64 would be read as few or none, in bytes. */
const leastKey = 24

/**
 * With a secret token GitLab sends the token itself, with a signing token (`whsec_…`) an HMAC over id, time and body. The kind that
 * the secret is of must be there.
 */
export const gitlab: Host = {
  isAuthentic: (delivery, secret, nowMs) =>
    secret.startsWith('whsec_')
      ? isSigned(delivery, Buffer.from(secret.slice('whsec_'.length), 'base64'), nowMs)
      : sameText(delivery.headers['x-gitlab-token'] ?? '', secret),
  read: (delivery) => {
    const payload = payloadOf(delivery)
    // System hooks send pushes too and tell them apart by the payload alone.
    const name = textOf(payload, payload['object_kind'] === undefined ? 'event_name' : 'object_kind')
    if (name !== 'push' && name !== 'tag_push') return { kind: 'other', name }
    return { kind: 'push', pushes: pushOf(payload) }
  },
  names: ({ headers, body }) => {
    const ids = idName(headers['webhook-id'] ?? headers['idempotency-key'] ?? headers['x-gitlab-event-uuid'])
    return { once: ids, notTwice: ids.length > 0 ? undefined : bodyName(body) }
  },
}

function isSigned({ headers, body }: Delivery, key: Buffer, nowMs: number): boolean {
  const [id = '', time = ''] = [headers['webhook-id'], headers['webhook-timestamp']]
  const expected = createHmac('sha256', key).update(`${id}.${time}.`).update(body).digest('base64')
  const given = (headers['webhook-signature'] ?? '').split(' ').slice(0, 8)
  const isOurs = given.map((one) => sameText(one, `v1,${expected}`)).includes(true)
  return (
    key.length >= leastKey && isOurs && /^\d{1,12}$/.test(time) && Math.abs(Number(time) * 1000 - nowMs) <= toleranceMs
  )
}
