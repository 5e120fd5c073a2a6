/** Finding out how a registry is spoken to: scheme and challenge. OCI distribution-spec, "Determining support". */
import { WherryError } from '../core/errors.ts'
import type { HttpClient } from '../http/client.ts'
import { isPlainHttpFailure } from '../http/failure.ts'
import { type HttpResponse, discard, headerOf } from '../http/message.ts'
import { isLoopbackHost } from '../http/url.ts'
import { type Challenge, parseChallenges } from './challenge.ts'

/** What a ping found. */
export interface PingResult {
  /** Scheme and host, path `/`. */
  readonly base: URL
  readonly challenges: readonly Challenge[]
}

/** A host to ping. */
export interface PingTarget {
  /** `host[:port]`. */
  readonly host: string
  /** Whether plain http and unverified certificates were allowed. */
  readonly insecure: boolean
}

/**
 * Asks `/v2/`. Plain http is tried on loopback (first, as registries there rarely have TLS) and where it was allowed (last, so that
 * nothing goes in the clear that need not).
 * @throws WherryError `network`, `registry`, `cancelled`
 */
export async function ping(http: HttpClient, target: PingTarget, signal: AbortSignal): Promise<PingResult> {
  const { host, insecure } = target
  const schemes = isLoopbackHost(host) ? ['http', 'https'] : insecure ? ['https', 'http'] : ['https']
  const urls = schemes.map((scheme) => new URL(`${scheme}://${host}/v2/`))
  if (urls.length > 1) {
    for (const url of urls) {
      const response = await answerOf(http, url, signal)
      if (response && isRegistryAnswer(response)) return resultOf(response, url)
    }
  }
  const url = urls[0]!
  try {
    const response = await http.request({ method: 'GET', url }, signal)
    if (response.status < 500) return resultOf(response, url)
    discard(response)
    throw new WherryError('registry', `the registry ${host} answered ${response.status}`, {
      hint: 'The registry has a problem of its own: try again later.',
      details: { status: response.status },
    })
  } catch (error) {
    throw await explained(http, { url, error, insecure }, signal)
  }
}

async function answerOf(http: HttpClient, url: URL, signal: AbortSignal): Promise<HttpResponse | undefined> {
  try {
    return await http.request({ method: 'GET', url, tries: 1 }, signal)
  } catch (error) {
    if (error instanceof WherryError && error.code === 'network') return undefined
    throw error
  }
}

function isRegistryAnswer(response: HttpResponse): boolean {
  const isOne = response.status === 200 || response.status === 401
  if (!isOne) discard(response)
  return isOne
}

function resultOf(response: HttpResponse, url: URL): PingResult {
  discard(response)
  return { base: new URL('/', url), challenges: parseChallenges(headerOf(response, 'www-authenticate')) }
}

async function explained(
  http: HttpClient,
  failure: { readonly url: URL; readonly error: unknown; readonly insecure: boolean },
  signal: AbortSignal,
): Promise<unknown> {
  const { url, error, insecure } = failure
  if (!(error instanceof WherryError) || error.code !== 'network' || insecure || signal.aborted) return error
  const answer = await answerOf(
    http,
    new URL(`http://${url.host}/v2/`),
    AbortSignal.any([signal, AbortSignal.timeout(3000)]),
  ).catch(() => undefined)
  const speaksPlain = answer !== undefined && isRegistryAnswer(answer)
  if (answer) discard(answer)
  if (!speaksPlain && !isPlainHttpFailure(error)) return error
  return new WherryError(
    'network',
    `${url.host} does not speak https, only plain http, which wherry uses only if told to`,
    {
      hint: `Allow it with --insecure-registry ${url.host}, or with --tls-verify=false for all registries.`,
      details: error.details,
      cause: error,
    },
  )
}
