/** HTTP servers: plain or https, with limits for slow clients, and the errors of an address that cannot be had. */
import { type IncomingMessage, type Server, type ServerResponse, createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { WherryError, errnoOf } from '../core/errors.ts'

/** PEM certificate chain and private key. */
export interface ServerTls {
  readonly certificate: string
  readonly key: string
}

/** How long clients may take, in milliseconds; 0 is for ever. */
export interface ServerTimes {
  /** For the head of a request. */
  readonly head?: number
  /** For a whole request. */
  readonly request?: number
  /** For doing nothing on a connection between requests. */
  readonly keepAlive?: number
}

/** What a server is made of. */
export interface WebServerOptions {
  /** https and nothing else. */
  readonly tls?: ServerTls | undefined
  readonly times?: ServerTimes
}

/** Answers requests. */
export type Listener = (request: IncomingMessage, response: ServerResponse) => void

/** Makes a server that does not listen yet. @throws WherryError `config-invalid` for a certificate or key that cannot be used */
export function createWebServer(listener: Listener, { tls, times = {} }: WebServerOptions): Server {
  const { head, request, keepAlive } = times
  const limits = {
    ...(head !== undefined && { headersTimeout: head }),
    ...(request !== undefined && { requestTimeout: request }),
    ...(keepAlive !== undefined && { keepAliveTimeout: keepAlive }),
    // How often Node looks for those who take too long.
    connectionsCheckingInterval: Math.min(30_000, Math.max(100, (head ?? 60_000) / 4)),
  }
  if (tls === undefined) return createHttpServer(limits, listener)
  try {
    return createHttpsServer({ ...limits, cert: tls.certificate, key: tls.key, minVersion: 'TLSv1.2' }, listener)
  } catch (cause) {
    throw new WherryError('config-invalid', 'the TLS certificate and its key cannot be used', {
      hint: 'Both must be PEM files, and the key without a passphrase and that of the certificate.',
      cause,
    })
  }
}

/** Where a server listens. */
export interface Bound {
  readonly host: string
  readonly port: number
  readonly url: string
}

/** Starts a server; port 0 takes a free one. @throws WherryError `network` if the address cannot be had */
export async function listenOn(
  server: Server,
  { host, port, tls }: { readonly host: string; readonly port: number; readonly tls?: ServerTls | undefined },
): Promise<Bound> {
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
  const scheme = tls === undefined ? 'http' : 'https'
  return { host, port: bound, url: `${scheme}://${host.includes(':') ? `[${host}]` : host}:${bound}` }
}

/** Ends a server and its connections. */
export async function closeServer(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeAllConnections()
  await closed
}
