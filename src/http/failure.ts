/** Turns the errors of undici, sockets and TLS into one `network` error each, with a hint. */
import { WherryError, errnoOf, isCancelled } from '../core/errors.ts'
import { redactUrl } from './url.ts'

const retryable = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_SOCKET',
])

const plainHttp = new Set(['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG'])

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name server did not answer',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'the network is unreachable',
  ETIMEDOUT: 'the connection timed out',
  UND_ERR_ABORTED: 'the proxy refused the connection',
  UND_ERR_BODY_TIMEOUT: 'no data came for too long',
  UND_ERR_CONNECT_TIMEOUT: 'the connection timed out',
  UND_ERR_HEADERS_TIMEOUT: 'no answer came for too long',
  UND_ERR_SOCKET: 'the other side closed the connection',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate chain ends in an unknown authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by an unknown authority',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate is signed by an unknown authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is signed by an unknown authority',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host name',
}

const untrusted = /SELF_SIGNED|UNABLE_TO_|CERT_/

/** True if a TLS handshake met something that does not speak TLS. */
export function isPlainHttpFailure(error: unknown): boolean {
  return error instanceof WherryError && plainHttp.has(String(error.details?.['errno']))
}

/**
 * The error to throw for what a request to `url` threw. Errors that are not of the network (of a body's source, for instance)
 * come back as they are.
 */
export function networkError(error: unknown, url: URL): unknown {
  if (error instanceof WherryError) return error
  // Undici gives a proxy's refusal the name of a cancellation.
  if (isCancelled(error) && !isProxyRefusal(error)) return new WherryError('cancelled', 'cancelled', { cause: error })
  const errno = networkErrnoOf(error)
  if (errno === undefined) return error
  const reason = plainHttp.has(errno) ? 'it does not speak TLS' : (reasons[errno] ?? errno)
  return new WherryError('network', `${url.host} cannot be reached: ${reason}`, {
    hint: hintFor(errno, url),
    details: { errno, url: redactUrl(url), retryable: retryable.has(errno) },
    cause: error,
  })
}

function isProxyRefusal(error: unknown): boolean {
  return errnoOf(error) === 'UND_ERR_ABORTED' && error instanceof Error && error.message.startsWith('Proxy response')
}

function networkErrnoOf(error: unknown): string | undefined {
  const errno = errnoOf(error)
  if (errno === undefined) return undefined
  const known = retryable.has(errno) || plainHttp.has(errno) || errno in reasons
  return known || errno.startsWith('UND_ERR_') || errno.startsWith('ERR_SSL_') || untrusted.test(errno)
    ? errno
    : undefined
}

function hintFor(errno: string, url: URL): string {
  if (plainHttp.has(errno)) return `If ${url.host} speaks plain HTTP, say so with --insecure-registry ${url.host}.`
  if (untrusted.test(errno)) {
    return `Put its authority's certificate into /etc/containers/certs.d/${url.host}/ca.crt or into the file of SSL_CERT_FILE.`
  }
  if (errno === 'UND_ERR_ABORTED') return 'Check HTTPS_PROXY and NO_PROXY.'
  return 'Check the name, the network and the proxy settings (HTTPS_PROXY, NO_PROXY).'
}
