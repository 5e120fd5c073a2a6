/** The embedded registry: a foreground HTTP server on a store's blobs. OCI distribution-spec 1.1, without authentication. */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WherryError, errnoOf } from '../core/errors.ts'
import type { Lease, Store } from '../store/contract.ts'
import type { BlobParts } from './blob-handlers.ts'
import { openCatalog } from './catalog.ts'
import { isClientGone } from './exchange.ts'
import { Refusal, refusalBody } from './refusal.ts'
import { route } from './routes.ts'
import { openUploads } from './uploads.ts'

/** What a server is made of. */
export interface RegistryServerOptions {
  /** Blobs go here; the repositories' own files lie beside them, in `registry-v1` below the store's root. */
  readonly store: Pick<Store, 'root' | 'blobs' | 'tempPath' | 'lease'>
  /** Called after every request, for an access log. */
  readonly onRequest?: (request: ServedRequest) => void
  /** Called for a failure that the client only sees as a 500. */
  readonly onFailure?: (error: unknown) => void
}

/** A line of the access log. */
export interface ServedRequest {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly durationMs: number
}

/** A server. It keeps the process alive between `listen` and `close`. */
export interface RegistryServer {
  /** Starts; port 0 takes a free one. @throws WherryError `network` if the address cannot be had */
  listen(address: {
    readonly host: string
    readonly port: number
  }): Promise<{ host: string; port: number; url: string }>
  /** Ends all connections and uploads. */
  close(): Promise<void>
}

/** Makes a server that does not listen yet. */
export function createRegistryServer(options: RegistryServerOptions): RegistryServer {
  const { store } = options
  const parts: BlobParts = { store, catalog: openCatalog(store.root), uploads: openUploads(store) }
  const server = createServer((request, response) => {
    const begin = performance.now()
    response.once('close', () => {
      const { method = '', url: path = '' } = request
      options.onRequest?.({ method, path, status: response.statusCode, durationMs: performance.now() - begin })
    })
    void serve(parts, request, response).catch((error: unknown) => fail({ request, response, error, options }))
  })
  // A large blob may take longer than Node's five minutes for a request.
  server.requestTimeout = 0
  server.keepAliveTimeout = 60_000
  let lease: Lease | undefined
  return {
    listen: async ({ host, port }) => {
      // A collection spares what was written since: blobs come before the manifest that names them.
      lease = await store.lease()
      return listen(server, host, port)
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
      await parts.uploads.close()
      await lease?.release()
    },
  }
}

async function serve(parts: BlobParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.setHeader('docker-distribution-api-version', 'registry/2.0')
  const url = request.url ?? '/'
  const mark = url.indexOf('?')
  const { handler, name, argument } = route(request.method ?? '', mark < 0 ? url : url.slice(0, mark))
  const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark))
  await handler(parts, { request, response, query, name, argument })
}

function fail(failed: {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly error: unknown
  readonly options: RegistryServerOptions
}): void {
  const { request, response, error, options } = failed
  if (!(error instanceof Refusal) && !isClientGone(error)) options.onFailure?.(error)
  if (response.headersSent || response.destroyed || isClientGone(error)) {
    // Too late for a status: cutting the connection is how the client learns.
    response.destroy()
    return
  }
  const refusal = error instanceof Refusal ? error : new Refusal(500, 'UNKNOWN', 'internal error')
  const body = request.method === 'HEAD' ? undefined : refusalBody(refusal.code, refusal.message)
  response.writeHead(refusal.status, {
    'content-type': 'application/json',
    ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
    ...refusal.headers,
  })
  response.end(body)
  // What is left of the body is read away, so that the client gets to the answer instead of a reset.
  request.resume()
}

async function listen(
  server: Server,
  host: string,
  port: number,
): Promise<{ host: string; port: number; url: string }> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, () => {
        server.off('error', reject)
        resolve()
      })
    })
  } catch (cause) {
    throw new WherryError('network', `cannot listen on ${host}:${port} (${errnoOf(cause) ?? 'error'})`, {
      hint: errnoOf(cause) === 'EADDRINUSE' ? 'Another program listens there: choose another port.' : undefined,
      cause,
    })
  }
  const bound = (server.address() as AddressInfo).port
  return { host, port: bound, url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}` }
}
