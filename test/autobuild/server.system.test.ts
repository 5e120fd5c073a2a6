/** The web server alone: slow and greedy clients, and what the pages forbid. */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/autobuild/config.ts'
import { openDeliveries } from '../../src/autobuild/deliveries.ts'
import { type Service, openService } from '../../src/autobuild/service.ts'
import { openStateFiles } from '../../src/autobuild/state.ts'
import { bodyReceiver } from '../../src/autobuild/web/body.ts'
import { createAutobuildServer } from '../../src/autobuild/web/server.ts'
import { closeServer, listenOn } from '../../src/http/serve.ts'
import { post, posting } from '../support/webhooks.ts'
import { tempDir } from '../support/temp.ts'

let service: Service
let server: Server
let url: string
let failures: unknown[]

beforeEach(async () => {
  const dir = tempDir()
  writeFileSync(join(dir, 'secret'), 'hush')
  const text = `repositories:
  - {name: app, git: 'http://127.0.0.1:9/a.git', image: r.io/app, host: github, secret-file: secret, rules: [{branch: x}]}
`
  const config = parseConfig({ text, file: 'f', folder: dir })
  const files = await openStateFiles(join(dir, 'state'))
  const setting = { program: ['false'], options: [], env: {}, files, note: () => undefined } as const
  service = await openService(config, { files, setting, jobs: 1, onEnd: () => undefined })
  failures = []
  server = createAutobuildServer({
    service,
    deliveries: await openDeliveries(files.deliveriesPath),
    receive: bodyReceiver(),
    env: {},
    logPath: files.logPath,
    serves: ['hooks', 'pages'],
    tls: undefined,
    times: { head: 400, request: 800, keepAlive: 400 },
    onHook: () => undefined,
    onFailure: (error) => failures.push(error),
  })
  url = (await listenOn(server, { host: '127.0.0.1', port: 0 })).url
})
afterEach(async () => {
  await closeServer(server)
  await service.close()
  expect(failures).toEqual([])
})

/** Sends pieces over a bare connection; what came back until it was closed. */
const talk = async (...pieces: readonly (string | Buffer)[]): Promise<string> => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  let answer = ''
  socket.on('error', () => undefined)
  socket.on('data', (bytes: Buffer) => (answer += bytes.toString()))
  const closed = once(socket, 'close')
  for (const piece of pieces) if (!socket.destroyed) socket.write(piece)
  await closed
  return answer
}

describe('a client', () => {
  it.each([
    ['no head', ''],
    ['half a head', 'POST /hooks/app HTTP/1.1\r\nhost: h\r\n'],
    ['half a body', 'POST /hooks/app HTTP/1.1\r\nhost: h\r\ncontent-length: 100\r\n\r\n{'],
    ['half a chunk', 'POST /hooks/app HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{'],
  ])('that sends %s is cut off', async (_what, text) => {
    const begin = performance.now()
    expect(await talk(text)).toMatch(/^(HTTP\/1\.1 408 |$)/)
    expect(performance.now() - begin).toBeLessThan(5000)
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
  })

  it('that says nothing of how much it sends is stopped at 25 MiB', async () => {
    const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(1 << 20), Buffer.from('\r\n')])
    const head = 'POST /hooks/app HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n'
    expect(await talk(head, ...Array.from({ length: 26 }, () => chunk))).toMatch(/^(HTTP\/1\.1 413 |$)/)
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
  })

  it('that sends one delivery many times at once has it taken once', async () => {
    const moved = { before: '0'.repeat(40), after: 'a'.repeat(40), ref: 'refs/heads/x' }
    const delivery = posting('github', moved, 'hush')
    const answers = await Promise.all(Array.from({ length: 8 }, () => post(`${url}/hooks/app`, delivery)))
    expect(answers.map(({ status }) => status).sort()).toEqual([202, ...Array.from({ length: 7 }, () => 409)])
  })

  it('that sends a header twice is not believed', async () => {
    const { headers, body } = posting('github', { before: '', after: '', ref: '' }, 'hush')
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    const twice = 'x-hub-signature-256: sha256=00\r\n'
    const request = `POST /hooks/app HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`
    expect(await talk(`${request}${lines.join('')}\r\n${body}`)).toMatch(/^HTTP\/1\.1 400 /)
    expect(await talk(`${request}${lines.join('')}${twice}\r\n${body}`)).toMatch(/^HTTP\/1\.1 401 /)
  })
})

it('pages may load nothing from elsewhere, and there are no others', async () => {
  const page = await fetch(`${url}/`)
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(page.headers.get('x-content-type-options')).toBe('nosniff')
  expect(await page.text()).not.toMatch(/<script|https:\/\/(?!builds)/)
  const statusOf = async (path: string, method = 'GET'): Promise<number> => (await fetch(url + path, { method })).status
  for (const path of ['/x', '/builds/1', '/builds/../secret', '/builds/000001/log', '/hooks/', '/refs.json'])
    expect([path, await statusOf(path)]).toEqual([path, 404])
  expect(await statusOf('/', 'POST')).toBe(405)
  expect(await statusOf('/', 'HEAD')).toBe(200)
  expect(await statusOf('/style.css')).toBe(200)
})
