/** Seeded schedules of what goes wrong with which request: the same seed does the same to every client. */
import type { Fault, FaultProxy, Interference } from './fault-proxy.ts'
import { hangUp, respond } from './fault-proxy.ts'

/** What can go wrong with a request. */
export const faultKinds = [
  'reset mid-body',
  '500',
  '502',
  '503',
  '429',
  '429 with Retry-After',
  'token expiry',
  'slow loris',
  'truncated answer',
  'lost answer',
  'wrong digest',
  'redirect to another host',
  'relative Location',
  '416',
  'duplicated response',
] as const

type FaultKind = (typeof faultKinds)[number]

/** Requests after which a schedule lets all pass. */
const scheduleLength = 60

/** A generator of numbers in [0, 1) (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** What a schedule does to the n-th request, and a random number for it. */
type Plan = readonly ({ readonly kind: FaultKind; readonly random: number } | undefined)[]

/** From 4 to 40 of 100 requests go wrong, depending on the seed; none with seed 0. */
export function planOf(seed: number): Plan {
  const random = randomFrom(seed)
  const share = seed === 0 ? 0 : 0.04 + random() * 0.36
  return Array.from({ length: scheduleLength }, () => {
    const [hit, kind, detail] = [random(), random(), random()]
    return hit < share ? { kind: faultKinds[Math.floor(kind * faultKinds.length)]!, random: detail } : undefined
  })
}

/** Makes the proxy follow a plan; `elsewhere` is another host with the same registry. Returns what was done, in order. */
export function followPlan(proxy: FaultProxy, plan: Plan, elsewhere: FaultProxy): FaultKind[] {
  const done: FaultKind[] = []
  let ordinal = 0
  const act: Fault['act'] = (request, response) => {
    const planned = plan[ordinal++]
    if (planned === undefined) return {}
    const action = actionOf({ ...planned, proxy, elsewhere }, request.method ?? '')
    if (action === undefined) return {}
    done.push(planned.kind)
    return action(request, response)
  }
  proxy.faults.length = 0
  proxy.faults.push({ when: () => true, times: Number.POSITIVE_INFINITY, act })
  return done
}

interface Misdeed {
  readonly kind: FaultKind
  readonly random: number
  readonly proxy: FaultProxy
  readonly elsewhere: FaultProxy
}

/** Undefined if the fault means nothing for such a request. */
function actionOf({ kind, random, proxy, elsewhere }: Misdeed, method: string): Fault['act'] | undefined {
  switch (kind) {
    case 'reset mid-body':
      return (request, response) => {
        const length = Number(request.headers['content-length'] ?? 2_000_000)
        return length > 1 ? { cutUploadAfter: Math.ceil((length / 2) * random) } : hangUp(request, response)
      }
    case '500':
    case '502':
    case '503':
      return respond(Number(kind), {}, `<html><title>${kind} of a load balancer</title></html>`)
    case '429':
      return respond(429, {}, '{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}')
    case '429 with Retry-After':
      return respond(429, { 'retry-after': '1' }, '{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}')
    case 'token expiry':
      return (request, response) => {
        proxy.expireTokens()
        const challenge = { 'www-authenticate': `Bearer realm="http://${proxy.address}/token",service="test"` }
        return respond(
          401,
          challenge,
          '{"errors":[{"code":"UNAUTHORIZED","message":"token expired"}]}',
        )(request, response)
      }
    case 'slow loris':
      return drip
    case 'truncated answer':
      return method === 'GET' ? () => ({ cutDownloadAfter: 10 }) : undefined
    case 'lost answer':
      return () => ({ cutDownloadAfter: 0 })
    case 'wrong digest':
      return changeHeader('docker-content-digest', () => `sha256:${'0'.repeat(64)}`)
    case 'redirect to another host':
      return (request, response) =>
        respond(307, { location: `http://${elsewhere.address.replace('127.0.0.1', 'localhost')}${request.url ?? ''}` })(
          request,
          response,
        )
    case 'relative Location':
      return changeHeader('location', (location) => location.replace(/^https?:\/\/[^/]+/, ''))
    case '416':
      return method === 'PATCH' || method === 'PUT' ? respond(416) : undefined
    case 'duplicated response':
      return (): Interference => ({ afterwards: 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n' })
  }
}

function changeHeader(name: string, change: (value: string) => string): Fault['act'] {
  return () => ({
    headers: (headers) => {
      const value = headers[name]
      if (typeof value === 'string') headers[name] = change(value)
    },
  })
}

/** A header that comes letter by letter and never ends; after four seconds the connection goes. */
const drip: Fault['act'] = (request) => {
  const { socket } = request
  const text = `HTTP/1.1 200 OK\r\nx-slow: ${'a'.repeat(100)}`
  let sent = 0
  const timer = setInterval(() => {
    if (sent < 40) socket.write(text[sent++]!)
    else socket.destroy()
  }, 100)
  socket.once('close', () => clearInterval(timer))
  return undefined
}
