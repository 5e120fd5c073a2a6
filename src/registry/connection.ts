/** A registry host that has been pinged: sends requests with the authorisation that it wants. */
import { type HttpRequest, type HttpResponse, discard, headerOf } from '../http/message.ts'
import { type AuthorizerParts, createAuthorizer } from './authorizer.ts'
import { mergeScopes, parseChallenges, pickChallenge, repositoryScope } from './challenge.ts'
import { fetchToken } from './token.ts'

/** A request to a repository. */
export interface RegistryRequest extends Omit<HttpRequest, 'url'> {
  /** Absolute, or relative to the host's `/v2/`. */
  readonly url: URL | string
  /** Path of the repository at the host; undefined for requests to none. */
  readonly repository: string | undefined
  readonly actions: 'pull' | 'pull,push' | 'delete'
  /** Further repositories that must be readable, for a mount. */
  readonly alsoPull?: readonly string[]
}

/** A pinged host. */
export interface Connection {
  /** Registry as the user names it. */
  readonly registry: string
  readonly base: URL
  /** Sends with authorisation; on a 401 gets a new token and sends once more. @throws WherryError `network`, `auth-failed`, `cancelled` */
  send(request: RegistryRequest, signal: AbortSignal): Promise<HttpResponse>
  /** Whether there are credentials for a repository. */
  isLoggedIn(repository: string | undefined, signal: AbortSignal): Promise<boolean>
}

/** Makes a connection from what a ping found. */
export function createConnection(parts: AuthorizerParts): Connection {
  const { http, registry } = parts
  const { base } = parts.found
  const authorizer = createAuthorizer(parts)

  const sendOnce = async (
    request: RegistryRequest,
    scopes: readonly string[],
    signal: AbortSignal,
  ): Promise<HttpResponse> => {
    const url = typeof request.url === 'string' ? new URL(`/v2/${request.url}`, base) : request.url
    // An upload may have been sent to another host, which our credentials are not for.
    const isOwn = url.origin === base.origin
    const authorization = isOwn ? await authorizer.header(request.repository, scopes, signal) : undefined
    const headers = { ...request.headers, ...(authorization === undefined ? {} : { authorization }) }
    return http.request({ ...request, url, headers }, signal)
  }

  /** A host that we were redirected to has a challenge of its own, which is answered as nobody. */
  const answerElsewhere = async (
    request: RegistryRequest,
    response: HttpResponse,
    signal: AbortSignal,
  ): Promise<HttpResponse> => {
    const challenge = pickChallenge(challengesOf(response))
    if (challenge?.scheme !== 'bearer') return response
    discard(response)
    const scopes = challenge.parameters['scope'] === undefined ? [] : [challenge.parameters['scope']]
    const asked = { from: response.url, challenge, scopes, credential: undefined, registry }
    const token = await fetchToken(http, asked, signal)
    const headers = { ...request.headers, authorization: `Bearer ${token.text}` }
    return http.request({ ...request, url: response.url, headers }, signal)
  }

  return {
    registry,
    base,
    isLoggedIn: async (repository, signal) => (await parts.credentialOf(repository, signal)) !== undefined,
    send: async (request, signal) => {
      const scopes = scopesOf(request)
      const first = await sendOnce(request, scopes, signal)
      if (first.status !== 401) return first
      if (first.url.origin !== base.origin) return answerElsewhere(request, first, signal)
      if (!authorizer.learn(challengesOf(first), scopes)) return first
      discard(first)
      return sendOnce(request, scopes, signal)
    },
  }
}

function scopesOf(request: RegistryRequest): string[] {
  if (request.repository === undefined) return []
  const also = (request.alsoPull ?? []).map((from) => repositoryScope(from, 'pull'))
  return mergeScopes([repositoryScope(request.repository, request.actions), ...also])
}

function challengesOf(response: HttpResponse): ReturnType<typeof parseChallenges> {
  return parseChallenges(headerOf(response, 'www-authenticate'))
}
