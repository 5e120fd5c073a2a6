/** Webhooks of Gitea, and of Forgejo and Gogs, which send the same under their own names. docs.gitea.com, "Webhooks"; pure. */
import { type Delivery, type Host, payloadOf, pushOf } from './delivery.ts'
import { bodyName, idName, isHmac } from './signature.ts'

/** Headers of all three, the newest name first. */
function headerOf({ headers }: Delivery, what: 'signature' | 'event' | 'delivery'): string | undefined {
  return headers[`x-forgejo-${what}`] ?? headers[`x-gitea-${what}`] ?? headers[`x-gogs-${what}`]
}

/** The body is signed; a delivery's id is not. Since every body says when the repository changed, none is taken twice. */
export const gitea: Host = {
  isAuthentic: (delivery, secret) => isHmac(headerOf(delivery, 'signature'), delivery.body, secret),
  read: (delivery) => {
    const name = headerOf(delivery, 'event') ?? ''
    return name === 'push' ? { kind: 'push', pushes: pushOf(payloadOf(delivery)) } : { kind: 'other', name }
  },
  names: (delivery) => ({
    once: [...idName(headerOf(delivery, 'delivery')), bodyName(delivery.body)],
    notTwice: undefined,
  }),
}
