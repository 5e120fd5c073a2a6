/** Which proxy a request goes through, from HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, as curl and Go read them. */
import { isIPv4 } from 'node:net'
import { WherryError } from '../core/errors.ts'
import { hostnameOf, isLoopbackHost, redactUrl } from './url.ts'

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * The proxy for a URL, or undefined. Loopback is never proxied. HTTP_PROXY in capitals is ignored under CGI, where a
 * client's `Proxy:` header sets it.
 * @throws WherryError `config-invalid` if the variable is no http(s) URL
 */
export function proxyFor(url: URL, env: Environment): URL | undefined {
  const http = env['http_proxy'] ?? (env['REQUEST_METHOD'] === undefined ? env['HTTP_PROXY'] : undefined)
  const specific = url.protocol === 'https:' ? (env['https_proxy'] ?? env['HTTPS_PROXY']) : http
  const text = specific || env['all_proxy'] || env['ALL_PROXY']
  if (!text || isLoopbackHost(url.host) || isExempt(url, env['no_proxy'] ?? env['NO_PROXY'] ?? '')) return undefined
  const full = text.includes('://') ? text : `http://${text}`
  const proxy = URL.canParse(full) ? new URL(full) : undefined
  if (proxy && /^(https?|socks5?):$/.test(proxy.protocol)) return proxy
  throw new WherryError(
    'config-invalid',
    `the proxy for ${redactUrl(url.origin)} is no URL of a proxy that wherry can use`,
    {
      hint: 'Set HTTP_PROXY and HTTPS_PROXY to http://host:port.',
    },
  )
}

function isExempt(url: URL, list: string): boolean {
  const host = hostnameOf(url.host)
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  return list
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => matches(entry.toLowerCase(), host, port))
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true
  if (entry.includes('/')) return isInRange(host, entry)
  const withPort = /^(.*[^:]):(\d+)$/.exec(entry)
  if (withPort && withPort[2] !== port) return false
  const name = (withPort?.[1] ?? entry).replace(/^\*?\./, '').replace(/^\[|\]$/g, '')
  return host === name || host.endsWith(`.${name}`)
}

function isInRange(host: string, range: string): boolean {
  const [base = '', bits = ''] = range.split('/')
  if (!isIPv4(host) || !isIPv4(base) || !/^\d{1,2}$/.test(bits) || Number(bits) > 32) return false
  const shift = 2 ** (32 - Number(bits))
  return Math.floor(numberOf(host) / shift) === Math.floor(numberOf(base) / shift)
}

function numberOf(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}
