/** The redirect policy: what is asked where after a 3xx answer, and what is not carried along. */
import { WherryError } from '../core/errors.ts'
import { type HttpRequest, type HttpResponse, headerOf } from './message.ts'
import { isForbiddenHop, redactUrl } from './url.ts'

/** Headers that are for the first origin only. */
const originBound = new Set(['authorization', 'cookie', 'proxy-authorization'])

/**
 * The request that follows a redirect, or undefined if the response is none. Credentials go to the same scheme, host and port
 * only. 301, 302 and 303 are followed for GET and HEAD alone: turning an upload into a GET would hide its failure.
 * @throws WherryError `network` for a target that is no http(s) URL or an internal address
 */
export function redirectOf(request: HttpRequest, response: HttpResponse): HttpRequest | undefined {
  const location = headerOf(response, 'location')
  if (location === undefined || !isFollowed(request, response.status)) return undefined
  const from = request.url
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined
  if (to === undefined || isForbiddenHop(from, to)) {
    throw new WherryError(
      'network',
      `${redactUrl(from)} redirects to ${redactUrl(location)}, where wherry does not follow`,
      {
        details: { url: redactUrl(from) },
      },
    )
  }
  to.hash = ''
  const headers = to.origin === from.origin ? request.headers : withoutPrivate(request.headers ?? {})
  return { ...request, url: to, headers }
}

function isFollowed(request: HttpRequest, status: number): boolean {
  if (status === 307 || status === 308) return true
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  return isRead && (status === 301 || status === 302 || status === 303)
}

function withoutPrivate(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !originBound.has(name)))
}
