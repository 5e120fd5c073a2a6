/** Undici's connection pools, one per origin, with that origin's proxy and TLS; undici is loaded with the first. */
import type { Dispatcher } from 'undici'
import { type Environment, proxyFor } from './proxy.ts'
import { type TlsMaterial, secureContextFor } from './tls.ts'

/** What pools depend on. */
export interface DispatcherOptions {
  readonly env: Environment
  /** What a host (`host[:port]`) needs for TLS beside the defaults. */
  readonly tlsFor?: (host: string) => Promise<TlsMaterial>
  readonly connectTimeoutMs?: number
  /** How long a connection may be silent; five times that before an answer begins, which takes registries long after an upload. */
  readonly idleTimeoutMs?: number
}

/** Pools by origin. */
export interface Dispatchers {
  for(url: URL): Promise<Dispatcher>
  close(): Promise<void>
}

/** Makes pools as origins turn up. Idle sockets do not keep the process alive. */
export function createDispatchers(options: DispatcherOptions): Dispatchers {
  const pools = new Map<string, Promise<Dispatcher>>()
  const make = async (url: URL): Promise<Dispatcher> => {
    const connect = { timeout: options.connectTimeoutMs ?? 15_000, ...(await tlsOptionsFor(url, options)) }
    const idle = options.idleTimeoutMs ?? 60_000
    const timeouts = { bodyTimeout: idle, headersTimeout: 5 * idle }
    const proxy = proxyFor(url, options.env)
    if (proxy) {
      // Its tunnels need what only the whole package sets up.
      const { ProxyAgent } = await import('undici')
      return new ProxyAgent({
        ...timeouts,
        uri: proxy.href,
        requestTls: connect,
        proxyTunnel: url.protocol === 'https:',
      })
    }
    const { default: Agent } = await import('undici/lib/dispatcher/agent.js')
    return new Agent({ ...timeouts, connect })
  }
  return {
    for: (url) => {
      const known = pools.get(url.origin)
      if (known) return known
      const made = make(url)
      pools.set(url.origin, made)
      made.catch(() => pools.delete(url.origin))
      return made
    },
    close: async () => {
      const all = await Promise.allSettled(pools.values())
      pools.clear()
      await Promise.all(all.map(async (pool) => pool.status === 'fulfilled' && (await pool.value.destroy())))
    },
  }
}

async function tlsOptionsFor(url: URL, options: DispatcherOptions): Promise<object> {
  if (url.protocol !== 'https:') return {}
  const material = (await options.tlsFor?.(url.host)) ?? {}
  const secureContext = await secureContextFor(options.env, material)
  return { secureContext, rejectUnauthorized: material.skipVerify !== true }
}
