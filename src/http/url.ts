/** URLs in messages and the question whether a server may send us to another one. */
import { isIP } from 'node:net'

/** A URL for messages: no user, password, query or fragment, since presigned queries are secrets. */
export function redactUrl(url: URL | string): string {
  if (typeof url === 'string' && !URL.canParse(url)) return '(an invalid URL)'
  const { protocol, host, pathname, search } = new URL(url)
  return `${protocol}//${host}${pathname}${search === '' ? '' : '?…'}`
}

/** True for the names and addresses of this machine's loopback interface. `host` may carry a port. */
export function isLoopbackHost(host: string): boolean {
  const name = hostnameOf(host)
  return name === 'localhost' || name.endsWith('.localhost') || name === '::1' || /^127\.\d+\.\d+\.\d+$/.test(name)
}

/** The name or address of `host[:port]`, brackets of IPv6 removed, lower case. */
export function hostnameOf(host: string): string {
  const bracketed = /^\[([^\]]*)\]/.exec(host)
  // An IPv6 address that has lost its brackets has no port.
  const bare = bracketed?.[1] ?? (/:.*:/.test(host) ? host : host.replace(/:\d+$/, ''))
  return bare.toLowerCase()
}

/**
 * True if a server at `from` must not send us to `to`: an internal address, unless it is the same host or `from` is internal too.
 * A link-local address (the clouds' metadata services) is refused to everybody. Keeps a registry from using us to reach inside.
 */
export function isForbiddenHop(from: URL, to: URL): boolean {
  if (to.protocol !== 'https:' && to.protocol !== 'http:') return true
  if (from.hostname === to.hostname) return false
  const kind = kindOf(to.hostname)
  return kind === 'link-local' || (kind === 'internal' && kindOf(from.hostname) !== 'internal')
}

type AddressKind = 'public' | 'internal' | 'link-local'

function kindOf(host: string): AddressKind {
  const name = hostnameOf(host)
  if (isLoopbackHost(name)) return 'internal'
  const version = isIP(name)
  if (version === 4) return kindOfV4(name)
  return version === 6 ? kindOfV6(name) : 'public'
}

function kindOfV4(address: string): AddressKind {
  const [a = 0, b = 0] = address.split('.').map(Number)
  if (a === 169 && b === 254) return 'link-local'
  const isPrivate =
    a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168) || (a === 100 && b >= 64 && b < 128)
  return isPrivate || a === 0 || a === 127 || a >= 224 ? 'internal' : 'public'
}

function kindOfV6(address: string): AddressKind {
  // WHATWG URLs write the mapped form of an IPv4 address as two hexadecimal groups.
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address)
  if (mapped) {
    const [high, low] = [parseInt(mapped[1]!, 16), parseInt(mapped[2]!, 16)]
    return kindOfV4([high >> 8, high & 255, low >> 8, low & 255].join('.'))
  }
  if (/^fe[89ab]/.test(address)) return 'link-local'
  return address === '::' || /^f[cd]/.test(address) || address.startsWith('ff') ? 'internal' : 'public'
}
