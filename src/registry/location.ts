/** Where an upload continues: the rules for `Location` headers. OCI distribution-spec, "Pushing blobs". */
import { isForbiddenHop, redactUrl } from '../http/url.ts'
import { WherryError } from '../core/errors.ts'

/**
 * The absolute URL of a `Location` header, which may be relative and carry a query to keep. A registry behind a proxy that ends TLS
 * often names itself by `http:`; the scheme and port that reached it are kept then.
 * @throws WherryError `registry` if it is missing, no http(s) URL, an internal address, or plain http on another host
 */
export function uploadLocation(base: URL, requested: URL, location: string | undefined): URL {
  if (location === undefined || !URL.canParse(location, requested.href)) {
    throw new WherryError('registry', `${base.host} did not say where the upload continues`)
  }
  const next = new URL(location, requested)
  if (next.hostname === base.hostname && next.protocol === 'http:' && base.protocol === 'https:') {
    next.protocol = base.protocol
    next.port = base.port
  }
  if (isForbiddenHop(base, next) || (next.protocol === 'http:' && base.protocol === 'https:')) {
    throw new WherryError(
      'registry',
      `${base.host} sends the upload to ${redactUrl(next)}, where wherry does not follow`,
    )
  }
  return next
}

/** `location` with a query parameter appended; what stands there is kept byte for byte, since registries sign it. */
export function withParameter(location: URL, name: string, value: string): URL {
  const next = new URL(location)
  next.search = `${next.search === '' ? '?' : `${next.search}&`}${name}=${encodeURIComponent(value)}`
  return next
}
