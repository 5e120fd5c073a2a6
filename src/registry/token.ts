/** Bearer tokens: asked for at a registry's token service. Distribution's token and OAuth2 specifications. */
import { WherryError } from '../core/errors.ts'
import { parseJsonObject } from '../core/json.ts'
import { readBounded } from '../http/body.ts'
import type { HttpClient } from '../http/client.ts'
import { type HttpRequest, type HttpResponse, discard } from '../http/message.ts'
import { isForbiddenHop, isLoopbackHost, redactUrl } from '../http/url.ts'
import { parseComplaints } from './answer.ts'
import type { Challenge } from './challenge.ts'
import type { Credential } from './credential.ts'

/** A token and when to ask for the next one, in ms since the epoch. */
export interface Token {
  readonly text: string
  readonly renewAt: number
}

/** What a token is asked for. */
export interface TokenRequest {
  /** Where the challenge came from. */
  readonly from: URL
  readonly challenge: Challenge
  readonly scopes: readonly string[]
  readonly credential: Credential | undefined
  /** Registry as the user names it. */
  readonly registry: string
}

const maxTokenBytes = 1024 * 1024
/** What the specification says if the service does not. */
const defaultLifetimeSeconds = 60
/** Share of its life after which a token is renewed. */
const renewAfter = 0.8

/**
 * Asks the token service for a token: with an identity token by OAuth2, else by GET with basic authentication or none.
 * @throws WherryError `auth-failed`, `registry`, `network`, `cancelled`
 */
export async function fetchToken(http: HttpClient, request: TokenRequest, signal: AbortSignal): Promise<Token> {
  const realm = checkedRealm(request)
  const { credential } = request
  if (credential?.identityToken !== undefined) {
    const response = await http.request(oauthRequest(realm, request, credential.identityToken), signal)
    // Services that know no OAuth2 answer so; they take the identity token's user and password.
    if (response.status !== 404 && response.status !== 405) return readToken(response, request)
    discard(response)
  }
  return readToken(await http.request(basicRequest(realm, request), signal), request)
}

/** A basic `Authorization` header, or undefined if the credential has no user and password. */
export function basicHeader(credential: Credential | undefined): string | undefined {
  if (credential?.username === undefined) return undefined
  return `Basic ${Buffer.from(`${credential.username}:${credential.password ?? ''}`).toString('base64')}`
}

function checkedRealm({ from, challenge, registry }: TokenRequest): URL {
  const text = challenge.parameters['realm'] ?? ''
  const realm = URL.canParse(text) ? new URL(text) : undefined
  const isPlain = realm?.protocol === 'http:' && from.protocol === 'https:' && !isLoopbackHost(realm.host)
  if (realm && !isPlain && !isForbiddenHop(from, realm)) return realm
  throw new WherryError('registry', `${registry} wants a token from ${redactUrl(text)}, where wherry does not ask`, {
    hint: 'The token service must be at an https URL that is no internal address.',
  })
}

function oauthRequest(realm: URL, { challenge, scopes }: TokenRequest, identityToken: string): HttpRequest {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    service: challenge.parameters['service'] ?? '',
    client_id: 'wherry',
    scope: scopes.join(' '),
    refresh_token: identityToken,
  })
  return {
    method: 'POST',
    url: realm,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: Buffer.from(form.toString()),
    maxRedirects: 0,
  }
}

function basicRequest(realm: URL, { challenge, scopes, credential }: TokenRequest): HttpRequest {
  const url = new URL(realm)
  const service = challenge.parameters['service']
  if (service !== undefined) url.searchParams.set('service', service)
  for (const scope of scopes) url.searchParams.append('scope', scope)
  const authorization = basicHeader(credential)
  return { method: 'GET', url, headers: authorization === undefined ? {} : { authorization } }
}

async function readToken(response: HttpResponse, request: TokenRequest): Promise<Token> {
  const body = (await readBounded(response, maxTokenBytes)).toString('utf8')
  if (response.status !== 200) throw refusal(response.status, body, request)
  const answer = parseJsonObject(body, `the token answer of ${redactUrl(response.url)}`)
  const text = answer['token'] || answer['access_token']
  if (typeof text !== 'string') throw new WherryError('registry', `${redactUrl(response.url)} answered without a token`)
  const seconds = typeof answer['expires_in'] === 'number' ? answer['expires_in'] : defaultLifetimeSeconds
  return { text, renewAt: Date.now() + Math.max(seconds, 1) * 1000 * renewAfter }
}

function refusal(status: number, body: string, { registry, credential }: TokenRequest): WherryError {
  const words = parseComplaints(body).map((c) => c.message || c.code)
  const said = words.length === 0 ? `answered ${status}` : `answered ${status}: ${words.join('; ')}`
  const isRefusal = status === 401 || status === 403 || status === 400
  const who = credential?.username === undefined ? '' : ` for the user "${credential.username}"`
  return new WherryError(
    isRefusal ? 'auth-failed' : 'registry',
    `${registry} gave no token${who}: its token service ${said}`,
    {
      hint: isRefusal ? `Check user and password; \`wherry login ${registry}\` stores new ones.` : undefined,
      details: { status },
    },
  )
}
