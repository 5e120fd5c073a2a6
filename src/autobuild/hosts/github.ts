/** Webhooks of GitHub. docs.github.com, "Webhook events and payloads" and "Validating webhook deliveries"; pure. */
import { type Host, payloadOf, pushOf } from './delivery.ts'
import { bodyName, idName, isPrefixedHmac } from './signature.ts'

/** The body is signed; a delivery's id is not. Since every body says when it was pushed, none is taken twice. */
export const github: Host = {
  isAuthentic: ({ headers, body }, secret) => isPrefixedHmac(headers['x-hub-signature-256'], body, secret),
  read: (delivery) => {
    const name = delivery.headers['x-github-event'] ?? ''
    if (name === 'ping') return { kind: 'ping' }
    // Tags come as pushes too; `create` would tell of them a second time.
    return name === 'push' ? { kind: 'push', pushes: pushOf(payloadOf(delivery)) } : { kind: 'other', name }
  },
  names: ({ headers, body }) => ({
    once: [...idName(headers['x-github-delivery']), bodyName(body)],
    notTwice: undefined,
  }),
}
