/** A forward proxy that answers for every registry of the internet itself, and notes what it was asked: hosts need not exist. */
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import { digestOf } from '../../src/core/digest.ts'
import { mediaTypes } from '../../src/oci/media-types.ts'
import { listen, stop } from './fault-proxy.ts'

/** What every registry has, under every name. */
const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, layers: [] }))

/** One request, as it came over the wire. */
export interface Asked {
  readonly method: string
  /** Host and port of the URL, as in the request line. */
  readonly host: string
  /** Path and query. */
  readonly path: string
  readonly authorization: string | undefined
  readonly body: string
}

/** A running proxy. */
export interface ForwardProxy {
  readonly address: string
  readonly asked: Asked[]
  /** What registries want; tokens come from `auth.example.org`. */
  auth: 'none' | 'basic' | 'bearer'
  close(): Promise<void>
}

/** Starts one. It tunnels nothing, so that https to it fails. */
export async function startForwardProxy(): Promise<ForwardProxy> {
  const server = createServer((request, response) => void answer(request, response))
  server.on('connect', (_request, socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'))

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '')
    let body = ''
    for await (const chunk of request as AsyncIterable<Buffer>) body += chunk.toString()
    const { authorization } = request.headers
    const path = url.pathname + url.search
    proxy.asked.push({ method: request.method ?? '', host: url.host, path, authorization, body })
    if (url.pathname === '/token') return void response.end('{"token":"good"}')
    if (proxy.auth !== 'none' && authorization === undefined) {
      const realm = 'http://auth.example.org/token'
      const bearer = `Bearer realm="${realm}",service="${url.hostname}"`
      response.writeHead(401, { 'www-authenticate': proxy.auth === 'basic' ? 'Basic realm="x"' : bearer })
      return void response.end()
    }
    if (url.pathname === '/v2/') return void response.end('{}')
    const headers = { 'content-type': mediaTypes.ociManifest, 'docker-content-digest': digestOf(manifest) }
    response.writeHead(200, { ...headers, 'content-length': manifest.length })
    response.end(request.method === 'HEAD' ? undefined : manifest)
  }

  const address = await listen(server)
  const proxy: ForwardProxy = { address, asked: [], auth: 'none', close: () => stop(server) }
  return proxy
}
