/** One request with its response, and the small things that every handler does with them. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { Readable } from 'node:stream'
import { errnoOf } from '../core/errors.ts'
import { refuse } from './refusal.ts'

/** What a handler works on. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly query: URLSearchParams
  /** The repository's name, checked; empty for the catalog. */
  readonly name: string
  /** The last part of the path: a digest, tag or upload id, not checked. */
  readonly argument: string
  /** Whether this client may read another repository. */
  readonly mayPull: (repository: string) => boolean
}

/** Headers of an answer. */
export type Headers = Readonly<Record<string, string | number>>

/** Answers with status, headers and a short body, which is left out for HEAD. */
export function answer(
  { request, response }: Exchange,
  status: number,
  headers: Headers,
  body: string | Buffer = '',
): void {
  const bytes = Buffer.from(body)
  const isBare = status === 204 || status === 304
  response.writeHead(status, isBare ? headers : { 'content-length': bytes.length, ...headers })
  response.end(request.method === 'HEAD' || isBare ? undefined : bytes)
}

/** Answers with JSON. */
export function answerJson(exchange: Exchange, headers: Headers, value: unknown): void {
  answer(exchange, 200, { 'content-type': 'application/json', ...headers }, JSON.stringify(value))
}

/** Answers with a stream; a client that leaves early is no failure. */
export async function answerStream(
  exchange: Exchange,
  status: number,
  headers: Headers,
  body: Readable,
): Promise<void> {
  exchange.response.writeHead(status, headers)
  try {
    await pipeline(body, exchange.response)
  } catch (error) {
    if (!isClientGone(error)) throw error
  }
}

/** True if an error says that the client closed the connection. */
export function isClientGone(error: unknown): boolean {
  return ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED'].includes(errnoOf(error) ?? '')
}

/** A header with one value. */
export function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}

/** The whole body of a request, at most `maxBytes`. @throws Refusal 413 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const tooLong = refuse(413, 'SIZE_INVALID', `the body is longer than ${maxBytes} bytes`)
  // Said before anything is read: leaving the loop below cuts the connection.
  if (Number(headerOf(request, 'content-length') ?? 0) > maxBytes) throw tooLong
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) throw tooLong
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** A page of a sorted list after `last`, at most `n` long, with the `Link` to the next. OCI distribution-spec, "Listing tags". */
export function pageOf(exchange: Exchange, path: string, all: readonly string[]): { page: string[]; headers: Headers } {
  const { query } = exchange
  const text = query.get('n')
  if (text !== null && !/^\d{1,9}$/.test(text)) throw refuse(400, 'PAGINATION_NUMBER_INVALID', 'n is not a number')
  const last = query.get('last')
  const rest = last === null ? all : all.filter((item) => item > last)
  const limit = text === null ? rest.length : Number(text)
  const page = rest.slice(0, limit)
  const hasMore = page.length > 0 && page.length < rest.length
  const next = `${path}?n=${limit}&last=${encodeURIComponent(page.at(-1) ?? '')}`
  return { page, headers: hasMore ? { link: `<${next}>; rel="next"` } : {} }
}
