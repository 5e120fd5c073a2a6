/** `POST /hooks/NAME`: what a host tells of pushes becomes builds, if it is authentic and new. */
import type { IncomingMessage } from 'node:http'
import type { Deliveries } from '../deliveries.ts'
import { type Delivery, type HostEvent, Malformed } from '../hosts/delivery.ts'
import { hosts } from '../hosts/hosts.ts'
import { readSecret } from '../secrets.ts'
import type { Service } from '../service.ts'
import type { ReceiveBody } from './body.ts'

/** What a hook works with. */
export interface HookParts {
  readonly service: Pick<Service, 'config' | 'push'>
  readonly deliveries: Deliveries
  readonly receive: ReceiveBody
  readonly env: Readonly<Record<string, string | undefined>>
}

/** An answer: one line of text. */
export interface HookAnswer {
  readonly status: number
  readonly text: string
}

const refusals = {
  'too-large': { status: 413, text: 'the body is too large' },
  busy: { status: 503, text: 'too many deliveries at once' },
  gone: { status: 400, text: 'the body was cut off' },
} as const

/** Handles a delivery for a repository. */
export async function handleHook(parts: HookParts, name: string, request: IncomingMessage): Promise<HookAnswer> {
  const { service, deliveries, receive, env } = parts
  const repository = service.config().repositories.find((one) => one.name === name)
  if (repository?.hook === undefined) return { status: 404, text: 'no such hook' }
  const body = await receive(request)
  if (typeof body === 'string') return refusals[body]
  const { host: hostName, secret } = repository.hook
  const host = hosts[hostName]
  const delivery = { headers: singleHeaders(request), body }
  if (!host.isAuthentic(delivery, await readSecret(secret, env), Date.now())) {
    return { status: 401, text: `not signed with the secret of this hook, or not by ${hostName}` }
  }
  const event = readEvent(host.read, delivery)
  if (event instanceof Malformed) return { status: 400, text: event.message }
  if (event.kind === 'ping') return { status: 200, text: 'pong' }
  if (event.kind === 'other') return { status: 200, text: 'nothing to do for such an event' }
  const claim = deliveries.claim(name, host.names(delivery))
  if (claim === undefined) return { status: 409, text: 'this delivery was taken before' }
  try {
    // Builds first: a crash in between leaves a delivery that may come again, and none that is lost.
    const added = await service.push(repository, event.pushes)
    await claim.keep()
    if (added.length === 0) return { status: 200, text: 'no rule is about this push' }
    return { status: 202, text: `builds ${added.map(({ id }) => id).join(' ')}` }
  } catch (error) {
    claim.giveBack()
    throw error
  }
}

function readEvent(read: (delivery: Delivery) => HostEvent, delivery: Delivery): HostEvent | Malformed {
  try {
    return read(delivery)
  } catch (error) {
    if (error instanceof Malformed) return error
    throw error
  }
}

/** Headers that came once; of one that came twice nobody knows which is meant. */
function singleHeaders({ headersDistinct }: IncomingMessage): Delivery['headers'] {
  return Object.fromEntries(
    Object.entries(headersDistinct).flatMap(([name, values]) => (values?.length === 1 ? [[name, values[0]]] : [])),
  )
}
