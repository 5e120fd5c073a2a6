/** The registry client: finds the host for a name, connects to it once, and hands each call to the file that does it. */
import { WherryError } from '../core/errors.ts'
import type { Scope } from '../core/scope.ts'
import { createHttpClient } from '../http/client.ts'
import type { Environment } from '../http/proxy.ts'
import type { RetryPolicy } from '../http/retry.ts'
import type { TlsMaterial } from '../http/tls.ts'
import { hostnameOf } from '../http/url.ts'
import { readBlob } from './blobs.ts'
import { listRepositories } from './catalog.ts'
import { loadCertificates } from './certs.ts'
import { type RegistryRule, type Route, loadRegistryRules, routesFor } from './config.ts'
import { type Connection, createConnection } from './connection.ts'
import type { RegistryClient, Repository } from './contract.ts'
import type { CredentialProvider } from './credential.ts'
import { deleteReference } from './delete.ts'
import { readManifest, resolveManifest } from './manifests.ts'
import { ping } from './ping.ts'
import { checkPush, pushCheck } from './push-check.ts'
import { putWithReferrer } from './referrers.ts'
import { shareResults } from './shared.ts'
import { listTags } from './tags.ts'
import type { Target } from './target.ts'
import { told } from './told.ts'
import { pushBlob } from './upload.ts'

/** What a client is made of. */
export interface RegistryClientOptions {
  /** Environment variables: proxies, certificates, HOME and the like. */
  readonly env: Environment
  /** `host[:port]`s that may speak plain http or have any certificate. */
  readonly insecureRegistries?: readonly string[]
  /** False treats every registry as insecure. */
  readonly tlsVerify?: boolean
  /** Who we are; nobody unless told. */
  readonly credentials?: CredentialProvider
  readonly retry?: Partial<RetryPolicy>
  readonly userAgent?: string
  /** How long a connection may be silent, in milliseconds; five times that before the first byte of an answer. */
  readonly idleTimeoutMs?: number
}

/** Connects by route; what `createRegistryClient` and the login check share. */
export interface Connector {
  readonly retry: RetryPolicy
  connect(name: Repository, route: Route, signal: AbortSignal): Promise<Connection>
}

/** Makes a connector. Nothing is read or opened before the first connection. */
export function createConnector(options: RegistryClientOptions): Connector {
  const isInsecure = (host: string): boolean =>
    options.tlsVerify === false ||
    (options.insecureRegistries ?? []).some((entry) => entry === host || entry === hostnameOf(host))
  const insecureHosts = new Set<string>()
  const tlsFor = async (host: string): Promise<TlsMaterial> => ({
    ...(await loadCertificates(options.env, host)),
    skipVerify: isInsecure(host) || insecureHosts.has(host),
  })
  const http = createHttpClient({ ...options, tlsFor })
  const connections = shareResults<Connection>()
  return {
    retry: http.retry,
    connect: (name, route, signal) => {
      const host = apiHostOf(route.host)
      const insecure = route.insecure || isInsecure(route.host)
      if (insecure) insecureHosts.add(host)
      return connections.get(`${name.registry} ${host}`, signal, async (inner) => {
        const found = await ping(http, { host, insecure }, inner)
        return createConnection({
          http,
          registry: route.host,
          found,
          credentialOf: async (repository, s) =>
            options.credentials?.({ registry: route.host, repository: repository ?? '' }, s),
        })
      })
    },
  }
}

/** Docker Hub's API lives at another name than its images. */
function apiHostOf(registry: string): string {
  return registry === 'docker.io' || registry === 'index.docker.io' ? 'registry-1.docker.io' : registry
}

/** Makes a registry client. Nothing is read or opened before the first call; idle connections do not keep the process alive. */
export function createRegistryClient(options: RegistryClientOptions): RegistryClient {
  const connector = createConnector(options)
  let rules: Promise<readonly RegistryRule[]> | undefined
  /** What each registry last said of its limit. */
  const limits = new Map<string, string>()

  const targetOf = async (name: Repository, route: Route, scope: Scope): Promise<Target> => ({
    connection: await connector.connect(name, route, scope.signal),
    repository: route.repository,
    label: `${name.registry}/${name.repository}`,
    signal: scope.signal,
    onLimit: (limit) => {
      if (limits.get(name.registry) === limit) return
      limits.set(name.registry, limit)
      scope.emit({ type: 'message', about: 'registry', text: `${name.registry}: ${limit}` })
    },
  })

  const routes = async (name: Repository, reference: string | undefined): Promise<Route[]> =>
    routesFor(await (rules ??= loadRegistryRules(options.env)), name, reference)

  /** Asks mirrors first; one that fails or has nothing is passed over, the registry itself has the last word. */
  const read = async <T>(
    name: Repository,
    reference: string | undefined,
    scope: Scope,
    ask: (target: Target) => Promise<T>,
  ): Promise<T> => {
    const all = await routes(name, reference)
    for (const mirror of all.slice(0, -1)) {
      try {
        const answer = await ask(await targetOf(name, mirror, scope))
        if (answer !== undefined) return answer
      } catch (error) {
        if (!isPassedOver(error)) throw error
        scope.emit({ type: 'message', about: 'registry', text: `mirror ${mirror.host}: ${error.message}` })
      }
    }
    return ask(await targetOf(name, all.at(-1)!, scope))
  }

  const own = async (name: Repository, scope: Scope): Promise<Target> =>
    targetOf(name, (await routes(name, undefined)).at(-1)!, scope)

  return {
    resolve: (name, reference, scope) =>
      told(
        name,
        `asking for "${reference}"`,
        read(name, reference, scope, (target) => resolveManifest(target, reference)),
      ),
    manifest: (name, reference, scope) =>
      told(
        name,
        `reading the manifest "${reference}"`,
        read(name, reference, scope, (target) => readManifest(target, reference)),
      ),
    blob: (name, descriptor, scope, start) =>
      told(
        name,
        `reading the blob ${descriptor.digest}`,
        read(name, descriptor.digest, scope, (target) => readBlob(target, descriptor, connector.retry, start)),
      ),
    checkPush: (name, scope) => told(name, pushCheck, own(name, scope).then(checkPush)),
    pushBlob: (name, blob, scope) =>
      told(
        name,
        `uploading the blob ${blob.descriptor.digest}`,
        own(name, scope).then((target) => pushBlob(target, blob, connector.retry)),
      ),
    pushManifest: (name, reference, document, scope) =>
      told(
        name,
        `writing the manifest "${reference}"`,
        own(name, scope).then((target) => putWithReferrer(target, reference, document)),
      ),
    ...listingAndRemoving(own),
  }
}

/** The calls that are no transfers. */
function listingAndRemoving(
  own: (name: Repository, scope: Scope) => Promise<Target>,
): Pick<RegistryClient, 'tags' | 'repositories' | 'remove'> {
  return {
    tags: (name, scope) => told(name, 'listing the tags', own(name, scope).then(listTags)),
    repositories: (registry, scope) => {
      const name = { registry, repository: '' }
      return told(
        name,
        'listing the repositories',
        own(name, scope).then((target) => listRepositories({ ...target, label: registry })),
      )
    },
    remove: (name, reference, scope) =>
      told(
        name,
        `deleting "${reference}"`,
        own(name, scope).then((target) => deleteReference(target, reference)),
      ),
  }
}

function isPassedOver(error: unknown): error is WherryError {
  return error instanceof WherryError && ['network', 'registry', 'auth-failed', 'digest-mismatch'].includes(error.code)
}
