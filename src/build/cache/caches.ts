/** The caches of one build: what it asks, and what it fills. The parts that talk to others are loaded when there are any. */
import type { Digest } from '../../core/digest.ts'
import type { Scope } from '../../core/scope.ts'
import type { Image } from '../../oci/image.ts'
import type { Plan } from '../../plan/contract.ts'
import { inputsOf } from '../../plan/reach.ts'
import type { Lease, Store } from '../../store/contract.ts'
import type { BuildRequest, CacheLocation, CacheTarget } from '../contract.ts'
import type { BuildDeps } from '../deps.ts'
import type { Engine, Session } from '../engine.ts'
import type { CacheBeginnings } from '../inputs/cache-beginnings.ts'
import { type MountForm, hasDefaults } from '../steps/cache-id.ts'
import { withSharedLists } from './contents.ts'
import { type CacheReader, type CacheWriter, namesOf } from './place.ts'
import { isShareable, sharedMounts } from './shared-mounts.ts'
import { type SharedCache, type UsedRecord, openSharedCache } from './shared-cache.ts'

/** What was built. */
export interface Built {
  readonly plan: Pick<Plan, 'steps'>
  readonly engine: Pick<Engine, 'key'>
  readonly images: readonly Image[]
  readonly beginnings: CacheBeginnings
}

/** The caches of one build. */
export interface BuildCaches extends Pick<SharedCache, 'drop'> {
  /** The store, with what the caches have. */
  readonly store: Store
  /** Asks for the records of all steps at once, instead of one after the other. */
  askAhead(plan: Built['plan'], engine: Built['engine']): void
  /** See `Session.beginMount`. */
  readonly beginMount: NonNullable<Session['beginMount']>
  /** Fills the caches that the request names. @throws WherryError what a cache that must not fail throws */
  export(built: Built, scope: Scope): Promise<void>
}

/** What caches work with. */
export interface CacheDeps extends BuildDeps, Pick<Lease, 'hold'> {}

/** Opens them; nothing is asked yet. */
export function openCaches(request: BuildRequest, deps: CacheDeps, scope: Scope): BuildCaches {
  const { cacheFrom = [], cacheTo = [] } = request
  const readers = cacheFrom.map((location) => lazily(location, deps))
  const cache = openSharedCache(deps.store, readers, scope)
  const ran = new Set<string>()
  const begin = mountBeginner(deps, cache, scope)
  return {
    drop: cache.drop,
    store: {
      ...deps.store,
      steps: cache.steps,
      ...(readers.length > 0 && { layers: withSharedLists({ deps, findList: cache.findList }, scope) }),
    },
    beginMount: async (mount, own) => {
      ran.add(own.ownId)
      if (readers.length > 0) await begin(mount, own)
    },
    askAhead: (plan, engine) => {
      if (readers.length === 0) return
      for (const step of plan.steps.values()) {
        if (!step.fresh) engine.key(step.id).then(cache.prefetch, () => undefined)
      }
    },
    export: async (built, inner) => {
      for (const target of cacheTo) await fill(target, { built, cache, deps, ran }, inner)
    },
  }
}

async function openPlace(at: CacheLocation, deps: BuildDeps): Promise<CacheWriter> {
  if (at.kind === 'layout') return (await import('./layout-place.ts')).layoutPlace(at, deps)
  return (await import('./registry-place.ts')).registryPlace(at, deps)
}

/** A reader that is loaded when it is first asked. */
function lazily(at: CacheLocation, deps: BuildDeps): CacheReader {
  let opened: Promise<CacheReader> | undefined
  const place = (): Promise<CacheReader> => (opened ??= openPlace(at, deps))
  const { label, source } = namesOf(at)
  return {
    label,
    source,
    find: async (key, scope) => (await place()).find(key, scope),
    images: async (scope) => (await place()).images(scope),
  }
}

/** Cache mounts are asked for when a step runs that has one, each once. */
function mountBeginner(deps: CacheDeps, { findMount }: SharedCache, scope: Scope): BuildCaches['beginMount'] {
  const begun = new Map<string, Promise<void>>()
  const begin = async (mount: MountForm, ownId: string): Promise<void> =>
    (await import('./import-mount.ts')).importMount({ mount, ownId }, { deps, findMount }, scope)
  return async (mount, { ownId, fresh }) => {
    // With --no-cache one with a mode or owner of its own begins anew.
    if (!isShareable(mount) || (fresh && !hasDefaults(mount))) return
    const one = begun.get(ownId) ?? begin(mount, ownId)
    begun.set(ownId, one)
    await one
  }
}

interface Filling {
  readonly built: Built
  readonly cache: SharedCache
  readonly deps: CacheDeps
  /** Own ids of the cache mounts that steps ran with. */
  readonly ran: ReadonlySet<string>
}

async function fill(target: CacheTarget, { built, cache, deps, ran }: Filling, scope: Scope): Promise<void> {
  if (target.mode === 'max') await useAll(built, cache)
  const diffIds = new Set(built.images.flatMap(({ layers }) => layers.map(({ diffId }) => diffId)))
  const isWanted = ({ record }: UsedRecord): boolean =>
    target.mode === 'max' || record.diffId === undefined || diffIds.has(record.diffId)
  const records = new Map<Digest, UsedRecord>([...cache.used()].filter(([, one]) => isWanted(one)))
  const { exportCache } = await import('./export.ts')
  const place = await openPlace(target.at, deps)
  const isWithMounts = target.mountsLimit !== undefined
  const shared = isWithMounts ? await sharedMounts(built.plan, { ran, beginnings: built.beginnings }) : []
  const mounts = { mounts: shared, trees: deps.trees, hold: deps.hold }
  await exportCache({ target, place, records, bases: basesOf(built.plan), store: deps.store, mounts }, scope)
}

/** Layers of the images that steps begin with: to copy onto one it is enough to know what it holds. */
function basesOf({ steps }: Built['plan']): readonly Digest[] {
  const trees = [...steps.values()].flatMap(inputsOf)
  return [...new Set(trees.flatMap((tree) => (tree.kind === 'base' ? tree.diffIds : [])))]
}

/** Stages that nothing looked into, because what uses them was cached, belong to the whole too. */
async function useAll({ plan, engine }: Built, cache: SharedCache): Promise<void> {
  await Promise.all([...plan.steps.keys()].map(async (id) => cache.steps.get(await engine.key(id))))
}
