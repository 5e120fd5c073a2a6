/** The embedded registry: a foreground HTTP server on a store's blobs. OCI distribution-spec 1.1. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Bound, type ServerTls, closeServer, createWebServer, listenOn } from '../http/serve.ts'
import type { Lease, Store } from '../store/contract.ts'
import { type Access, needOf, openAccess } from './access.ts'
import type { BlobParts } from './blob-handlers.ts'
import { openCatalog } from './catalog.ts'
import { isClientGone } from './exchange.ts'
import { Refusal, refusalBody, refuse } from './refusal.ts'
import { route } from './routes.ts'
import { openUploads } from './uploads.ts'

/** What a server is made of. */
export interface RegistryServerOptions {
  /** Blobs go here; the repositories' own files lie beside them, in `registry-v1` below the store's root. */
  readonly store: Pick<Store, 'root' | 'blobs' | 'tempPath' | 'lease'>
  /** Everybody may do everything without it. */
  readonly access?: Access
  /** PEM certificate chain and private key: https and nothing else. */
  readonly tls?: ServerTls
  /** Refuses everything that would change something. */
  readonly isReadOnly?: boolean
  /** Refuses to delete manifests, tags and blobs; an upload can still be given up. */
  readonly isDeleteRefused?: boolean
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
  /** The client's address and user agent. */
  readonly client: string
  /** Who it was, if somebody had to say so. */
  readonly user: string | undefined
}

/** A server. It keeps the process alive between `listen` and `close`. */
export interface RegistryServer {
  /** Starts; port 0 takes a free one. @throws WherryError `network` if the address cannot be had */
  listen(address: { readonly host: string; readonly port: number }): Promise<Bound>
  /** Ends all connections and uploads. */
  close(): Promise<void>
}

/** Makes a server that does not listen yet. @throws WherryError `config-invalid` for a certificate or key that cannot be used */
export function createRegistryServer(options: RegistryServerOptions): RegistryServer {
  const { store } = options
  const parts: BlobParts = { store, catalog: openCatalog(store.root), uploads: openUploads(store) }
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const begin = performance.now()
    // A connection that is cut has no address any more.
    const client = `${request.socket.remoteAddress ?? '-'} "${request.headers['user-agent'] ?? ''}"`
    const served = { user: undefined as string | undefined }
    response.once('close', () => {
      const { method = '', url: path = '' } = request
      const durationMs = performance.now() - begin
      options.onRequest?.({ method, path, status: response.statusCode, durationMs, client, user: served.user })
    })
    void serve({ parts, options, served }, request, response).catch((error: unknown) => {
      fail({ request, response, error, options })
    })
  }
  // A large blob may take longer than Node's five minutes for a request.
  const server = createWebServer(listener, { tls: options.tls, times: { request: 0, keepAlive: 60_000 } })
  let lease: Lease | undefined
  return {
    listen: async ({ host, port }) => {
      // A collection spares what was written since: blobs come before the manifest that names them.
      lease = await store.lease()
      return listenOn(server, { host, port, tls: options.tls })
    },
    close: async () => {
      await closeServer(server)
      await parts.uploads.close()
      await lease?.release()
    },
  }
}

interface Serving {
  readonly parts: BlobParts
  readonly options: RegistryServerOptions
  readonly served: { user: string | undefined }
}

async function serve(serving: Serving, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { parts, options, served } = serving
  response.setHeader('docker-distribution-api-version', 'registry/2.0')
  const { method = '', url = '/' } = request
  const mark = url.indexOf('?')
  const path = mark < 0 ? url : url.slice(0, mark)
  const { handler, name, argument } = route(method, path)
  const grant = await (options.access ?? openAccess).authorize(
    request.headers.authorization,
    needOf(method, path, name),
  )
  served.user = grant.user
  checkAllowed(options, method, path)
  const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark))
  await handler(parts, { request, response, query, name, argument, mayPull: (from) => grant.mayPull(from) })
}

function checkAllowed({ isReadOnly, isDeleteRefused }: RegistryServerOptions, method: string, path: string): void {
  if (method === 'GET' || method === 'HEAD') return
  if (isReadOnly) throw refuse(405, 'UNSUPPORTED', 'this registry is read-only')
  if (isDeleteRefused && method === 'DELETE' && !path.includes('/blobs/uploads/')) {
    throw refuse(405, 'UNSUPPORTED', 'this registry deletes nothing')
  }
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
