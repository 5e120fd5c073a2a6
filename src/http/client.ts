/** The HTTP client: proxies, TLS, retries and a redirect policy of our own, over undici. */
import { setMaxListeners } from 'node:events'
import type { Readable } from 'node:stream'
import { WherryError } from '../core/errors.ts'
import { throwIfCancelled } from '../core/scope.ts'
import { type DispatcherOptions, createDispatchers } from './dispatchers.ts'
import { networkError } from './failure.ts'
import { type HttpRequest, type HttpResponse, discard, headerOf } from './message.ts'
import { redirectOf } from './redirect.ts'
import {
  type Attempt,
  type RetryPolicy,
  defaultRetryPolicy,
  isRetryableFailure,
  isRetryableStatus,
  parseRetryAfter,
  withRetries,
} from './retry.ts'
import { redactUrl } from './url.ts'

/** What a client is made of. */
export interface HttpOptions extends DispatcherOptions {
  /** `User-Agent`; `wherry` unless told. */
  readonly userAgent?: string
  readonly retry?: Partial<RetryPolicy>
}

/** Sends requests. */
export interface HttpClient {
  /**
   * Sends a request and follows redirects; tries again what may work then. The response of the last try is returned whatever its
   * status; `signal` ends the request and the response's body.
   * @throws WherryError `network`, `cancelled`
   */
  request(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse>
  /** Ends all connections. */
  close(): Promise<void>
  readonly retry: RetryPolicy
}

/** Makes a client. Nothing is loaded or opened before the first request. */
export function createHttpClient(options: HttpOptions): HttpClient {
  const dispatchers = createDispatchers(options)
  const retry = { ...defaultRetryPolicy, ...options.retry }
  const userAgent = options.userAgent ?? 'wherry'

  const sendOnce = async (request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> => {
    throwIfCancelled({ signal })
    const dispatcher = await dispatchers.for(request.url)
    const { default: api } = await import('undici/lib/api/index.js')
    const body = typeof request.body === 'function' ? await request.body() : request.body
    const { origin, pathname, search } = request.url
    try {
      const answer = await api.request.call(dispatcher, {
        origin,
        path: pathname + search,
        method: request.method,
        headers: { 'user-agent': userAgent, ...request.headers },
        body,
        signal,
      })
      return { status: answer.statusCode, headers: answer.headers, url: request.url, body: answer.body }
    } catch (error) {
      if (isStream(body)) body.destroy()
      throwIfCancelled({ signal })
      throw networkError(error, request.url)
    }
  }

  const follow = async (request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> => {
    let current = request
    for (let left = request.maxRedirects ?? 10; ; left--) {
      const response = await sendOnce(current, signal)
      const next = redirectOf(current, response)
      if (next === undefined || request.maxRedirects === 0) return response
      discard(response)
      if (left <= 0) throw new WherryError('network', `${redactUrl(request.url)} redirects too often`)
      current = next
    }
  }

  const attempt = async (request: HttpRequest, signal: AbortSignal): Promise<Attempt<HttpResponse>> => {
    try {
      const response = await follow(request, signal)
      if (!isRetryableStatus(response.status)) return { kind: 'done', value: response }
      const retryAfterMs = parseRetryAfter(headerOf(response, 'retry-after'))
      return { kind: 'again', retryAfterMs, abandon: () => discard(response), giveUp: () => response }
    } catch (error) {
      if (!isRetryableFailure(error)) throw error
      return {
        kind: 'again',
        giveUp: () => {
          throw error
        },
      }
    }
  }

  return {
    retry,
    close: () => dispatchers.close(),
    request: (request, signal) => {
      // One signal may serve dozens of requests at once, which Node would call a leak.
      setMaxListeners(0, signal)
      return withRetries({ ...retry, tries: request.tries ?? retry.tries }, signal, () => attempt(request, signal))
    },
  }
}

function isStream(body: unknown): body is Readable {
  return typeof body === 'object' && body !== null && !Buffer.isBuffer(body)
}
