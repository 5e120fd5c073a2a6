/** The HTTP client against real servers: bodies, timeouts, proxies. */
import { type RequestListener, type Server, createServer } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'
import { readBounded } from '../../src/http/body.ts'
import { type HttpOptions, createHttpClient } from '../../src/http/client.ts'
import { listen, stop } from '../support/fault-proxy.ts'

const retry = { tries: 3, baseMs: 10, maxDelayMs: 100, totalMs: 5000 }
const never = new AbortController().signal
const servers: Server[] = []

const serve = async (handler: RequestListener): Promise<string> => {
  const server = createServer(handler)
  servers.push(server)
  return listen(server)
}
const client = (options: Partial<HttpOptions> = {}): ReturnType<typeof createHttpClient> =>
  createHttpClient({ env: {}, retry, ...options })

afterEach(async () => {
  await Promise.all(servers.splice(0).map(stop))
})

describe('requests', () => {
  test('carry the user agent and a streamed body, opened anew for each try', async () => {
    let tries = 0
    const bodies: string[] = []
    const address = await serve((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        bodies.push(`${request.headers['user-agent']} ${body}`)
        response.writeHead(++tries < 3 ? 503 : 200).end()
      })
    })
    const answer = await client({ userAgent: 'wherry/1.2' }).request(
      {
        method: 'PUT',
        url: new URL(`http://${address}/`),
        headers: { 'content-length': '6' },
        body: () =>
          Readable.from(
            ['foo', 'bar'].map((s) => Buffer.from(s)),
            { objectMode: false },
          ),
      },
      never,
    )
    expect(answer.status).toBe(200)
    expect(bodies).toEqual(Array(3).fill('wherry/1.2 foobar'))
  })

  test('give the last answer when tries are over', async () => {
    const address = await serve((_request, response) => void response.writeHead(502).end('still down'))
    const answer = await client().request({ method: 'GET', url: new URL(`http://${address}/`) }, never)
    expect(answer.status).toBe(502)
    expect((await readBounded(answer, 100)).toString()).toBe('still down')
  })

  test('fail without another try where nobody listens', async () => {
    const address = await serve(() => undefined)
    await Promise.all(servers.splice(0).map(stop))
    const begin = Date.now()
    const asking = client({ retry: { baseMs: 1000 } }).request(
      { method: 'GET', url: new URL(`http://u:p@${address}/?s=1`) },
      never,
    )
    await expect(asking).rejects.toMatchObject({
      code: 'network',
      message: `${address} cannot be reached: connection refused`,
    })
    expect(Date.now() - begin).toBeLessThan(900)
  })

  test('end when cancelled, before and after the headers', async () => {
    const silent = await serve(() => undefined)
    const cancelled = client().request({ method: 'GET', url: new URL(`http://${silent}/`) }, AbortSignal.timeout(50))
    await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' })
    const slow = await serve((_request, response) => void response.writeHead(200).write('first'))
    const controller = new AbortController()
    const answer = await client().request({ method: 'GET', url: new URL(`http://${slow}/`) }, controller.signal)
    setTimeout(() => controller.abort(), 20)
    await expect(readBounded(answer, 100)).rejects.toThrow()
  })

  test('end when a body is silent for too long', async () => {
    const address = await serve((_request, response) => void response.writeHead(200).write('first'))
    const answer = await client({ idleTimeoutMs: 100 }).request(
      { method: 'GET', url: new URL(`http://${address}/`) },
      never,
    )
    await expect(readBounded(answer, 100)).rejects.toMatchObject({ code: 'network' })
  })

  test('pass on the failure of their body’s source', async () => {
    const address = await serve((request, response) => void request.resume().on('end', () => response.end()))
    const failing = (): Readable =>
      Readable.from(
        (function* () {
          yield Buffer.from('a')
          throw new Error('the disk broke')
        })(),
        { objectMode: false },
      )
    const sending = client().request(
      { method: 'PUT', url: new URL(`http://${address}/`), body: failing, headers: { 'content-length': '10' } },
      never,
    )
    await expect(sending).rejects.toThrow('the disk broke')
  })

  test('bodies longer than allowed are refused', async () => {
    const address = await serve((_request, response) => void response.end('x'.repeat(101)))
    const answer = await client().request({ method: 'GET', url: new URL(`http://${address}/`) }, never)
    await expect(readBounded(answer, 100)).rejects.toThrow(/longer than 100 bytes/)
  })
})

describe('proxies', () => {
  test('are asked for plain http by the whole URL, with the password of their own', async () => {
    const seen: unknown[] = []
    const address = await serve((request, response) => {
      seen.push([request.url, request.headers['proxy-authorization'], request.headers.host])
      response.end('from the proxy')
    })
    const env = { HTTP_PROXY: `http://u:p@${address}` }
    const answer = await client({ env }).request({ method: 'GET', url: new URL('http://registry.test/v2/?a=b') }, never)
    expect((await readBounded(answer, 100)).toString()).toBe('from the proxy')
    const basic = `Basic ${Buffer.from('u:p').toString('base64')}`
    expect(seen).toEqual([['http://registry.test/v2/?a=b', basic, 'registry.test']])
  })

  test('tunnel https by CONNECT', async () => {
    const asked: unknown[] = []
    const server = createServer()
    servers.push(server)
    server.on('connect', (request, socket: Socket) => {
      asked.push(request.url)
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
    })
    const address = await listen(server)
    const asking = client({ env: { HTTPS_PROXY: `http://${address}` } }).request(
      { method: 'GET', url: new URL('https://registry.test/v2/') },
      never,
    )
    await expect(asking).rejects.toThrow(/registry.test cannot be reached: the proxy refused/)
    expect(asked[0]).toBe('registry.test:443')
  })
})
