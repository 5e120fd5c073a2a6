/** HTTP requests and responses as wherry's folders exchange them. */
import type { Readable } from 'node:stream'

/** A request. Headers are lower-case names to values. */
export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  /** Bytes, or a function that opens them anew for every try. A stream needs a `content-length` header. */
  readonly body?: Buffer | (() => Readable | Promise<Readable>)
  /** Redirects to follow; 10 unless told, 0 to get the redirect itself. */
  readonly maxRedirects?: number
  /** Tries in all; the client's retry policy unless told, 1 for none. */
  readonly tries?: number
}

/** A response whose body has not been read: read it, or `discard` it, else its connection stays taken. */
export interface HttpResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Where it came from, after redirects. */
  readonly url: URL
  readonly body: Readable
}

/** A header's value; several of one name are joined by a comma, as RFC 9110 section 5.3 allows. */
export function headerOf(response: Pick<HttpResponse, 'headers'>, name: string): string | undefined {
  const value = response.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

/** The `Content-Length` in bytes, or undefined if there is none that is a number. */
export function contentLengthOf(response: Pick<HttpResponse, 'headers'>): number | undefined {
  const text = headerOf(response, 'content-length')
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

/** Ends a response that nobody reads: short bodies are read away so that the connection is reused, long ones are cut. */
export function discard(response: HttpResponse): void {
  const length = contentLengthOf(response)
  response.body.on('error', () => undefined)
  if (length !== undefined && length <= 64 * 1024) response.body.resume()
  else response.body.destroy()
}
