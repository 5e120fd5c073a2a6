/** The embedded registry behind a fault proxy, for a test file's life; the proxy is new for each test. */
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { createRegistryClient } from '../../src/registry/client.ts'
import type { RegistryClient, Repository } from '../../src/registry/contract.ts'
import type { Credential } from '../../src/registry/credential.ts'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'
import { type TestRegistry, startEmbeddedRegistry } from './registries.ts'

/** Patient enough for the faults of tests, quick enough for tests. */
export const retry = { tries: 4, baseMs: 20, maxDelayMs: 1500, totalMs: 20_000 }

/** What tests use. */
export interface FaultyRegistry {
  readonly proxy: FaultProxy
  readonly upstream: TestRegistry
  /** A client that knows no faults: use it with `behind`. */
  readonly direct: RegistryClient
  /** A fresh client with this credential. */
  clientWith(credential?: Credential): RegistryClient
  /** A repository through the proxy. */
  at(repository: string): Repository
  /** The same without the proxy. */
  behind(repository: string): Repository
  /** Requests that the proxy saw, as `METHOD path`. */
  lines(pattern: RegExp): string[]
}

/** Sets up the hooks of the calling file. */
export function useFaultyRegistry(): FaultyRegistry {
  let upstream: TestRegistry
  let proxy: FaultProxy
  const direct = createRegistryClient({ env: {} })
  beforeAll(async () => {
    upstream = await startEmbeddedRegistry()
  })
  afterAll(() => upstream.stop())
  beforeEach(async () => {
    proxy = await startFaultProxy(upstream.address)
  })
  afterEach(() => proxy.close())
  return {
    get proxy() {
      return proxy
    },
    get upstream() {
      return upstream
    },
    direct,
    clientWith: (credential) =>
      createRegistryClient({ env: {}, retry, credentials: () => Promise.resolve(credential) }),
    at: (repository) => ({ registry: proxy.address, repository }),
    behind: (repository) => ({ registry: upstream.address, repository }),
    lines: (pattern) => proxy.seen.map((s) => s.line).filter((line) => pattern.test(line)),
  }
}
