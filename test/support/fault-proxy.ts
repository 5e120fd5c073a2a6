/** A proxy in front of a registry that misbehaves as told, and can want basic or bearer authentication. */
import { type IncomingMessage, type Server, type ServerResponse, createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One misbehaviour, done to the first `times` requests that it fits. */
export interface Fault {
  readonly when: (request: IncomingMessage) => boolean
  readonly times: number
  /** Answers, or returns what to do with the upstream's answer or the request's body. */
  readonly act: (request: IncomingMessage, response: ServerResponse) => Interference | undefined
}

/** How a passed-on exchange is disturbed. */
export interface Interference {
  /** Bytes of the answer's body after which the connection is cut. */
  readonly cutDownloadAfter?: number
  /** Bytes of the request's body after which the connection is cut. */
  readonly cutUploadAfter?: number
  /** Changes the answer's headers. */
  readonly headers?: (headers: Record<string, string | string[] | undefined>) => void
  /** Changes the answer's bytes. */
  readonly body?: (chunk: Buffer) => Buffer
  /** Written to the connection behind the answer. */
  readonly afterwards?: string
}

/** What the proxy asks of its clients. */
export type ProxyAuth =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | {
      readonly kind: 'bearer'
      readonly username?: string
      readonly password?: string
      /** Requests for which a token is good. */
      readonly usesPerToken?: number
      /** Seconds that the service says a token lives. */
      readonly expiresIn?: number
      /** The token answer's field. */
      readonly field?: 'token' | 'access_token'
      /** Realm instead of the proxy's own token service. */
      readonly realm?: string
    }

/** A running proxy. */
export interface FaultProxy {
  /** `127.0.0.1:PORT`. */
  readonly address: string
  readonly faults: Fault[]
  /** `METHOD path` of every request, with its `Authorization`. */
  readonly seen: { readonly line: string; readonly authorization: string | undefined }[]
  /** Scopes and method of each request for a token. */
  readonly tokenRequests: { readonly method: string; readonly scopes: readonly string[]; readonly body: string }[]
  auth: ProxyAuth | undefined
  /** No token that was given is good any longer. */
  expireTokens(): void
  close(): Promise<void>
}

/** Starts a proxy to `upstream` (`host:port`). */
export async function startFaultProxy(upstream: string): Promise<FaultProxy> {
  const uses = new Map<string, number>()
  let issued = 0
  const server = createServer((request, response) => {
    request.on('error', () => undefined)
    response.on('error', () => undefined)
    if (request.url?.startsWith('/token')) return void giveToken(request, response)
    proxy.seen.push({ line: `${request.method} ${request.url}`, authorization: request.headers.authorization })
    const challenge = refusal(request)
    if (challenge !== undefined) {
      response.writeHead(401, { 'www-authenticate': challenge, 'content-type': 'application/json' })
      response.end('{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}')
      request.resume()
      return
    }
    const index = proxy.faults.findIndex((fault) => fault.times > 0 && fault.when(request))
    const fault = proxy.faults[index]
    if (fault) proxy.faults[index] = { ...fault, times: fault.times - 1 }
    const interference = fault?.act(request, response)
    if (fault && !interference) return void request.resume()
    forward(upstream, request, response, interference ?? {})
  })

  const giveToken = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = ''
    for await (const chunk of request as AsyncIterable<Buffer>) body += chunk.toString()
    const query = new URL(request.url ?? '', 'http://x').searchParams
    proxy.tokenRequests.push({ method: request.method ?? '', scopes: query.getAll('scope'), body })
    const auth = proxy.auth
    if (auth?.kind !== 'bearer') return void response.writeHead(404).end()
    const expected = auth.username === undefined ? undefined : basic(auth.username, auth.password ?? '')
    if (expected !== undefined && request.method === 'GET' && request.headers.authorization !== expected) {
      response.writeHead(401, { 'content-type': 'application/json' })
      return void response.end('{"details":"incorrect username or password"}')
    }
    const token = `token-${++issued}`
    uses.set(token, auth.usesPerToken ?? Number.POSITIVE_INFINITY)
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ [auth.field ?? 'token']: token, expires_in: auth.expiresIn ?? 300 }))
  }

  /** The challenge for a request that is not allowed, or undefined. */
  const refusal = (request: IncomingMessage): string | undefined => {
    const { auth } = proxy
    const given = request.headers.authorization
    if (auth?.kind === 'basic') {
      return given === basic(auth.username, auth.password) ? undefined : 'Negotiate, Basic realm="test"'
    }
    if (auth?.kind !== 'bearer') return undefined
    const token = given?.replace(/^Bearer /, '') ?? ''
    const left = uses.get(token) ?? 0
    if (left > 0) {
      uses.set(token, left - 1)
      return undefined
    }
    const repository = /^\/v2\/(.+?)\/(?:manifests|blobs|tags)\//.exec(request.url ?? '')?.[1]
    const scope = repository === undefined ? '' : `,scope="repository:${repository}:pull"`
    return `Bearer realm="${auth.realm ?? `http://${proxy.address}/token`}",service="test"${scope}`
  }

  const address = await listen(server)
  const proxy: FaultProxy = {
    address,
    faults: [],
    seen: [],
    tokenRequests: [],
    auth: undefined,
    expireTokens: () => uses.clear(),
    close: () => stop(server),
  }
  return proxy
}

/** A basic `Authorization` header. */
export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

/** Listens on a free loopback port; `127.0.0.1:PORT`. */
export async function listen(server: Pick<Server, 'listen' | 'address'>): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Ends a server and its connections. */
export async function stop(server: Pick<Server, 'close' | 'closeAllConnections'>): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeAllConnections()
  await closed
}

/** A fault's action: answer with this status. */
export function respond(status: number, headers: Record<string, string> = {}, body = ''): Fault['act'] {
  return (_request, response) => {
    response.writeHead(status, headers)
    response.end(body)
    return undefined
  }
}

/** A fault's action: cut the connection without an answer. */
export const hangUp: Fault['act'] = (request) => {
  request.socket.destroy()
  return undefined
}

/** A fault's condition: method and a pattern of the path. */
export function asks(method: string, path: RegExp): Fault['when'] {
  return (request) => request.method === method && path.test(request.url ?? '')
}

function forward(upstream: string, request: IncomingMessage, response: ServerResponse, disturb: Interference): void {
  const [host, port] = upstream.split(':')
  const headers = { ...request.headers, host: upstream }
  delete headers.authorization
  const { method, url: path } = request
  const onward = httpRequest({ host, port, method, path, headers }, (answer) => {
    if (disturb.cutDownloadAfter === 0) return void request.socket.destroy()
    const changed: Record<string, string | string[] | undefined> = { ...answer.headers }
    disturb.headers?.(changed)
    for (const [name, value] of Object.entries(changed)) if (value !== undefined) response.setHeader(name, value)
    response.writeHead(answer.statusCode ?? 502)
    let left = disturb.cutDownloadAfter ?? Number.POSITIVE_INFINITY
    answer.on('error', () => response.destroy())
    answer.on('end', () => {
      response.end(() => {
        if (disturb.afterwards !== undefined) request.socket.write(disturb.afterwards)
      })
    })
    answer.on('data', (chunk: Buffer) => {
      const part = disturb.body?.(chunk) ?? chunk
      // Once the cut part has left, the connection goes.
      if (part.length >= left) response.write(part.subarray(0, left), () => request.socket.destroy())
      else if (!response.write(part)) {
        answer.pause()
        response.once('drain', () => answer.resume())
      }
      left = Math.max(0, left - part.length)
      if (left === 0) answer.destroy()
    })
  })
  onward.on('error', () => response.destroy())
  let left = disturb.cutUploadAfter ?? Number.POSITIVE_INFINITY
  request.on('data', (chunk: Buffer) => {
    if (chunk.length >= left) {
      onward.write(chunk.subarray(0, left), () => {
        onward.destroy()
        request.socket.destroy()
      })
      left = 0
      request.pause()
    } else if (!onward.write(chunk)) {
      request.pause()
      onward.once('drain', () => request.resume())
    }
    left -= chunk.length
  })
  request.on('end', () => onward.end())
  request.on('close', () => {
    if (!request.complete) onward.destroy()
  })
}
