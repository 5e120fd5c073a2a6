/** Puts together what commands work with: store, registry client, trees and worker threads. */
import { availableParallelism } from 'node:os'
import type { BuildDeps } from '../build/deps.ts'
import type { Scope } from '../core/scope.ts'
import { choose, chosenMode } from '../host/choose.ts'
import type { Isolation, Mode } from '../host/contract.ts'
import { probeFacts } from '../host/facts.ts'
import { snapshotDriver } from '../host/file-systems.ts'
import { createHttpClient } from '../http/client.ts'
import { type RegistryClientOptions, createRegistryClient } from '../registry/client.ts'
import type { RegistryClient } from '../registry/contract.ts'
import { createCredentialProvider } from '../registry/credential-store.ts'
import type { Store } from '../store/contract.ts'
import { type TreesOptions, createTrees } from '../trees/client.ts'
import { containerTrees } from '../trees/container-client.ts'
import type { TransferDeps } from '../transfer/deps.ts'
import type { Trees } from '../trees/contract.ts'
import { createPool } from '../trees/worker/pool.ts'
import type { Io } from './io.ts'
import { type RegistryOptionValues, parallelOf, retryPolicyOf } from './registry-options.ts'
import { openStoreFor } from './store.ts'
import { version } from './version.ts'

const userAgent = `wherry/${version}`

/** A client for all registries, with the user's settings and credentials. */
export function registryFor(options: RegistryOptionValues, io: Pick<Io, 'env'>): RegistryClient {
  return createRegistryClient({
    ...registryClientOptions(options, io),
    credentials: createCredentialProvider(io.env),
  })
}

/** What moving images works with, in the user's store. */
export async function transferDepsFor(options: TransferOptions, io: Io): Promise<TransferDeps> {
  const registry = registryFor(options, io)
  return { store: await openStoreFor(options, io), registry, parallel: parallelOf(options) }
}

/** What moves images. */
export interface TransferOptions extends RegistryOptionValues {
  readonly root: string | undefined
}

/** How registries are spoken to, without credentials. */
export function registryClientOptions(
  options: RegistryOptionValues,
  io: Pick<Io, 'env'>,
): Omit<RegistryClientOptions, 'credentials'> {
  return {
    env: io.env,
    insecureRegistries: options['insecure-registry'],
    tlsVerify: options['tls-verify'],
    retry: retryPolicyOf(options),
    userAgent,
  }
}

/** What a workshop is opened with. */
export interface WorkshopOptions extends TransferOptions {
  readonly isolation?: string | undefined
  /** A process of the image gets wherry's own standard streams. */
  readonly foreground?: boolean
  /** Where there is no memory for files with secrets, a disk will do. */
  readonly secretsOnDisk?: boolean
}

/** Opens everything that a build needs, hands it to `work`, and closes it whatever happens. */
export async function withWorkshop<T>(
  options: WorkshopOptions,
  io: Io,
  work: (deps: BuildDeps) => Promise<T>,
): Promise<T> {
  const transfer = await transferDepsFor(options, io)
  const trees = await treesFor(transfer.store, options)
  const pool = createPool(availableParallelism())
  try {
    return await work({
      ...transfer,
      http: createHttpClient({ env: io.env, userAgent, retry: retryPolicyOf(options) }),
      trees,
      pool,
      env: io.env,
      stdout: io.stdout,
    })
  } finally {
    await Promise.all([trees.close(), pool.close()])
  }
}

/** `default` is docker's word for `auto`. */
export function isolationOf(option: string | undefined): Isolation {
  return option === 'mapped' || option === 'single' || option === 'chroot' ? option : 'auto'
}

/** The trees of this machine's best mode. Where there is none, builds without RUN still work: the error comes at the first call. */
export async function treesFor(
  store: Store,
  options: Pick<WorkshopOptions, 'isolation' | 'foreground' | 'secretsOnDisk'>,
): Promise<Trees> {
  const isolation = isolationOf(options.isolation)
  const facts = await probeFacts()
  const choice = choose(facts, isolation)
  if (!choice.ok) return noTrees(() => chosenMode(choice))
  const single = isolation === 'auto' && choice.mode.kind === 'mapped' ? choose(facts, 'single') : undefined
  return createTrees({
    mode: choice.mode,
    ...(single?.ok === true ? { fallback: single.mode } : {}),
    driver: snapshotDriver(store.root),
    secretsOnDisk: options.secretsOnDisk,
    ...(options.foreground === true ? { stdio: 'inherit' as const } : {}),
    ...foldersOf(store),
  })
}

function foldersOf(store: Store): Pick<TreesOptions, 'snapshotsDir' | 'mountsDir' | 'containersDir'> {
  return {
    snapshotsDir: (name) => store.snapshotsDir(name),
    mountsDir: (map) => store.mountsDir(map),
    containersDir: (name) => store.containers.placeDir(name),
  }
}

/** The trees whose snapshots are in the folder `<driver>-<map>`, if this machine can still map ids that way. */
export async function treesForMap(
  store: Store,
  driverAndMap: string,
  { foreground = false }: { readonly foreground?: boolean } = {},
): Promise<Trees | undefined> {
  const facts = await probeFacts()
  for (const isolation of ['mapped', 'single', 'chroot'] as const) {
    const choice = choose(facts, isolation)
    if (!choice.ok) continue
    const driver = (['overlay', 'copy'] as const).find((name) => driverAndMap === `${name}-${choice.mode.idMap}`)
    const stdio = foreground ? { stdio: 'inherit' as const } : {}
    if (driver !== undefined) return createTrees({ mode: choice.mode, driver, ...stdio, ...foldersOf(store) })
  }
  return undefined
}

/** Trees that cannot be worked on; `refuse` throws the reason. */
function noTrees(refuse: () => Mode): Trees {
  const refused = (): Promise<never> => Promise.resolve().then(refuse) as Promise<never>
  return {
    fidelity: 'exact',
    missing: refused,
    unpack: refused,
    run: refused,
    remove: refused,
    cacheMounts: refused,
    sealCacheMount: refused,
    hasCacheMount: refused,
    beginCacheMount: refused,
    removeCacheMounts: refused,
    containers: containerTrees(refused, refused),
    warm: () => undefined,
    close: () => Promise.resolve(),
  }
}

/** A scope over the process's cancellation. */
export function scopeOf(io: Pick<Io, 'signal'>, emit: Scope['emit']): Scope {
  return { signal: io.signal, emit }
}
