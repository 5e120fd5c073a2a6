/** The web server: hooks for the hosts, pages for people, `/healthz` for whoever watches. */
import { open } from 'node:fs/promises'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { ifStillThere } from '../../core/if-there.ts'
import { type ServerTimes, type ServerTls, createWebServer } from '../../http/serve.ts'
import type { Service } from '../service.ts'
import { type HookParts, handleHook } from './hooks.ts'
import { buildPage, listPage, messagePage } from './pages.ts'
import { style } from './style.ts'

/** What a server is made of. */
export interface AutobuildServerParts extends Omit<HookParts, 'service'> {
  readonly service: Service
  readonly logPath: (id: string) => string
  /** What is served: everything, or hooks and pages at addresses of their own. */
  readonly serves: readonly ('hooks' | 'pages')[]
  readonly tls: ServerTls | undefined
  /** Other limits for slow clients. */
  readonly times?: ServerTimes
  /** Called for every hook that was answered. */
  onHook(this: void, line: string): void
  /** Called for a failure that the client only sees as a 500. */
  onFailure(this: void, error: unknown): void
}

/** A slow client is cut off: its head may take 10 s, a whole request 30 s, and it may take its answer as slowly. */
const defaultTimes = { head: 10_000, request: 30_000, keepAlive: 5_000 }
const maxConnections = 256

/** As much of a log as a page shows, in bytes. */
const shownLog = 256 * 1024

/** Makes a server that does not listen yet. @throws WherryError `config-invalid` for a certificate that cannot be used */
export function createAutobuildServer(parts: AutobuildServerParts): Server {
  const times = parts.times ?? defaultTimes
  const server = createWebServer(
    (request, response) => {
      serve(parts, request, response).catch((error: unknown) => {
        parts.onFailure(error)
        if (response.headersSent) response.destroy()
        else answer(response, 500, plain, 'internal error\n')
      })
    },
    { tls: parts.tls, times },
  )
  server.maxConnections = maxConnections
  // A client that does not read its answer.
  server.setTimeout(times.request, (socket) => socket.destroy())
  return server
}

const plain = 'text/plain; charset=utf-8'
const page = 'text/html; charset=utf-8'

/** Nothing of the pages is loaded from elsewhere, runs, or is shown within other pages. */
const headers = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
}

function answer(response: ServerResponse, status: number, type: string, text: string): void {
  const isHead = response.req.method === 'HEAD'
  response.writeHead(status, { ...headers, 'content-type': type, 'content-length': Buffer.byteLength(text) })
  response.end(isHead ? undefined : text)
}

async function serve(parts: AutobuildServerParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = '', url = '/' } = request
  const mark = url.indexOf('?')
  const path = mark < 0 ? url : url.slice(0, mark)
  const hook = /^\/hooks\/([\w.-]+)$/.exec(path)?.[1]
  const isRead = method === 'GET' || method === 'HEAD'
  if (hook !== undefined && parts.serves.includes('hooks')) {
    if (method !== 'POST') {
      response.setHeader('allow', 'POST')
      answer(response, 405, plain, 'hooks take POST\n')
      return
    }
    return takeHook(parts, hook, { request, response })
  }
  if (!isRead) {
    cutOff(response, 405, 'this takes GET alone')
    return
  }
  if (path === '/healthz') {
    health(parts, response)
    return
  }
  if (!parts.serves.includes('pages')) {
    answer(response, 404, plain, 'not found\n')
    return
  }
  return showPage(parts, { path, query: new URLSearchParams(mark < 0 ? '' : url.slice(mark)) }, response)
}

async function takeHook(
  parts: AutobuildServerParts,
  name: string,
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
): Promise<void> {
  const { status, text } = await handleHook(parts, name, request)
  parts.onHook(`hook ${name} from ${request.socket.remoteAddress ?? '-'}: ${status} ${text}`)
  if (response.destroyed) return
  if (request.complete) answer(response, status, plain, `${text}\n`)
  else cutOff(response, status, text)
}

/** Answers and closes, so that what is left of a body is not read. */
function cutOff(response: ServerResponse, status: number, text: string): void {
  response.setHeader('connection', 'close')
  answer(response, status, plain, `${text}\n`)
}

function health({ service }: AutobuildServerParts, response: ServerResponse): void {
  const builds = service.queue.list()
  const count = (status: string): number => builds.filter((one) => one.status === status).length
  const text = JSON.stringify({ status: 'ok', running: count('running'), waiting: count('waiting') })
  answer(response, 200, 'application/json', `${text}\n`)
}

async function showPage(
  { service, logPath }: AutobuildServerParts,
  { path, query }: { readonly path: string; readonly query: URLSearchParams },
  response: ServerResponse,
): Promise<void> {
  const nowMs = Date.now()
  if (path === '/') {
    const only = query.get('repository') ?? undefined
    const view = { config: service.config(), builds: service.queue.list(), only, nowMs }
    answer(response, 200, page, listPage(view))
    return
  }
  if (path === '/style.css') {
    answer(response, 200, 'text/css; charset=utf-8', style)
    return
  }
  const [, id = '', isLog] = /^\/builds\/(\d{1,15})(\/log)?$/.exec(path) ?? []
  const build = service.queue.get(id)
  if (build === undefined) {
    answer(response, 404, page, messagePage('There is no such page'))
    return
  }
  if (isLog !== undefined) {
    answer(response, 200, plain, (await endOf(logPath(id), Infinity)).log)
    return
  }
  answer(response, 200, page, buildPage(build, { ...(await endOf(logPath(id), shownLog)), nowMs }))
}

/** The last bytes of a log, from a line's beginning. */
async function endOf(path: string, most: number): Promise<{ log: string; isCut: boolean }> {
  const handle = await ifStillThere(open(path))
  if (handle === undefined) return { log: '', isCut: false }
  try {
    const { size } = await handle.stat()
    const start = Math.max(0, size - most)
    const bytes = Buffer.alloc(size - start)
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, start)
    const text = bytes.toString('utf8', 0, bytesRead)
    return start === 0 ? { log: text, isCut: false } : { log: text.slice(text.indexOf('\n') + 1), isCut: true }
  } finally {
    await handle.close()
  }
}
