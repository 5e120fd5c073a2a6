/** Answers a registry's challenges: which `Authorization` a request carries, and what a 401 teaches. */
import type { HttpClient } from '../http/client.ts'
import { type Challenge, mergeScopes, pickChallenge } from './challenge.ts'
import type { Credential } from './credential.ts'
import type { PingResult } from './ping.ts'
import { shareResults } from './shared.ts'
import { type Token, basicHeader, fetchToken } from './token.ts'

/** What an authorizer is made of. */
export interface AuthorizerParts {
  readonly http: HttpClient
  /** Registry as the user names it. */
  readonly registry: string
  readonly found: PingResult
  /** The credential for a repository path at this host; undefined for requests to no repository. */
  credentialOf(repository: string | undefined, signal: AbortSignal): Promise<Credential | undefined>
}

/** The state of authorisation at one host. */
export interface Authorizer {
  /** The header's value for these scopes. @throws WherryError `auth-failed`, `registry`, `network`, `cancelled` */
  header(repository: string | undefined, scopes: readonly string[], signal: AbortSignal): Promise<string | undefined>
  /** Takes note of a 401's challenges; true if the request should be sent once more. */
  learn(challenges: readonly Challenge[], scopes: readonly string[]): boolean
}

/** Makes the authorizer of a pinged host. */
export function createAuthorizer(parts: AuthorizerParts): Authorizer {
  const { http, registry, found } = parts
  let challenge = pickChallenge(found.challenges)
  const tokens = shareResults<Token>()
  /** Scopes that the registry asked for instead of ours. */
  const corrected = new Map<string, readonly string[]>()

  const tokenFor = async (
    asked: Challenge,
    request: { readonly scopes: readonly string[]; readonly credential: Credential | undefined },
    signal: AbortSignal,
  ): Promise<Token> => {
    const key = request.scopes.join(' ')
    const make = (inner: AbortSignal): Promise<Token> =>
      fetchToken(http, { from: found.base, challenge: asked, registry, ...request }, inner)
    const token = await tokens.get(key, signal, make)
    if (token.renewAt > Date.now()) return token
    tokens.forget(key)
    return tokens.get(key, signal, make)
  }

  return {
    header: async (repository, scopes, signal) => {
      const credential = await parts.credentialOf(repository, signal)
      if (credential?.bearer !== undefined) return `Bearer ${credential.bearer}`
      if (challenge === undefined) return undefined
      if (challenge.scheme === 'basic') return basicHeader(credential)
      const wanted = corrected.get(scopes.join(' ')) ?? scopes
      return `Bearer ${(await tokenFor(challenge, { scopes: wanted, credential }, signal)).text}`
    },
    learn: (challenges, scopes) => {
      const asked = pickChallenge(challenges)
      const isNews = challenge === undefined && asked !== undefined
      challenge = asked ?? challenge
      if (challenge?.scheme !== 'bearer') return isNews
      const ours = scopes.join(' ')
      const scope = asked?.parameters['scope']
      // The registry's own wish comes first: some token services read only the first scope.
      const wanted = scope === undefined ? scopes : mergeScopes([scope, ...scopes])
      corrected.set(ours, wanted)
      tokens.forget(wanted.join(' '))
      return true
    },
  }
}
