/**
 * The step cache of one build: the store's, and where that has nothing the caches that the build was told to ask. What they
 * say is noted in the store, layers by their source alone: no layer moves before a step must see it.
 */
import { rm } from 'node:fs/promises'
import type { Digest } from '../../core/digest.ts'
import { isCancelled } from '../../core/errors.ts'
import { type Limiter, limiter } from '../../core/schedule.ts'
import type { Scope } from '../../core/scope.ts'
import type { StepCache, StepRecord, Store } from '../../store/contract.ts'
import { presentForm } from '../../transfer/fetch.ts'
import { inlineRecords } from './inline.ts'
import type { CacheReader } from './place.ts'
import { type SharedLayer, type SharedRecord, isOfOneRecord, listKey, readRecordDocument } from './record.ts'

/** A record that this build used or made. */
export interface UsedRecord {
  readonly record: StepRecord
  /** True if the step was to run whatever is cached: it takes the place of what others may have by now. */
  readonly isFresh: boolean
  /** The label of the cache that it came from in this build. */
  readonly from?: string
}

/** The cache of one build. */
export interface SharedCache {
  readonly steps: StepCache
  /** Notes where the contents list of a layer is, if one of the caches has it. */
  findList(this: void, diffId: Digest): Promise<void>
  /**
   * The contents of a cache mount, if one of the caches has them: the layer is noted in the store.
   * @param isUsable is told how it was made
   */
  findMount(
    this: void,
    key: Digest,
    isUsable: (fidelity: StepRecord['fidelity']) => boolean,
  ): Promise<{ readonly diffId: Digest; readonly label: string } | undefined>
  /** Asks ahead for a record, if there is anybody to ask. */
  prefetch(this: void, key: Digest): void
  /** Every record that the build used or made. */
  used(): ReadonlyMap<Digest, UsedRecord>
  /**
   * Forgets a layer that cannot be had, wherever it came from, so that its step runs.
   * @returns false if no step of this build made it
   */
  drop(this: void, diffId: Digest): Promise<boolean>
}

/** Records asked for at once. */
const parallelQuestions = 16

/** A cache over a store and what else may be asked, the first one first. */
export function openSharedCache(store: Store, readers: readonly CacheReader[], scope: Scope): SharedCache {
  const used = new Map<Digest, UsedRecord>()
  const dropped = new Set<Digest>()
  const wanted = new Set<Digest>()
  const origins = new Map<Digest, string>()
  const asked = new Map<Digest, Promise<StepRecord | undefined>>()
  const sources = readers.map((reader) => openSource(reader, limiter(parallelQuestions), scope))

  const ask = async (key: Digest): Promise<StepRecord | undefined> => {
    const answers = await Promise.all(
      sources.map(async (find, i) => ({ record: await find(key), reader: readers[i]! })),
    )
    const found = answers.find(({ record }) => record && (record.diffId === undefined || !dropped.has(record.diffId)))
    return found?.record && (await adopt(key, found.record, found.reader))
  }
  const adopt = async (key: Digest, shared: SharedRecord, reader: CacheReader): Promise<StepRecord> => {
    const { layer, list: _list, ...record } = shared
    if (layer !== undefined) await noteLayer(record, layer, { reader, store })
    await store.steps.put(key, record)
    origins.set(key, reader.label)
    return record
  }
  const findList = async (diffId: Digest): Promise<void> => {
    for (const [i, find] of sources.entries()) {
      const list = (await find(listKey(diffId)))?.list
      if (list === undefined) continue
      const source = { repository: readers[i]!.source, digest: list.digest }
      return store.layers.note({ diffId, contents: list, sources: [source] })
    }
  }
  const askOnce = (key: Digest): Promise<StepRecord | undefined> => {
    const answer = asked.get(key) ?? ask(key)
    asked.set(key, answer)
    return answer
  }
  const lookUp = async (key: Digest): Promise<StepRecord | undefined> => {
    const own = await store.steps.get(key)
    if (own !== undefined && (sources.length === 0 || (await isAtHand(own, store)))) return own
    return (await askOnce(key)) ?? own
  }
  const steps: StepCache = {
    get: async (key) => {
      wanted.add(key)
      const record = await lookUp(key)
      if (record?.diffId !== undefined && dropped.has(record.diffId)) return undefined
      const from = origins.get(key)
      if (record !== undefined) used.set(key, { record, isFresh: false, ...(from !== undefined && { from }) })
      return record
    },
    put: async (key, record) => {
      used.set(key, { record, isFresh: !wanted.has(key) })
      await store.steps.put(key, record)
    },
  }
  const drop = async (diffId: Digest): Promise<boolean> => {
    if (dropped.has(diffId) || ![...used.values()].some(({ record }) => record.diffId === diffId)) return false
    dropped.add(diffId)
    for (const [key, { record }] of used) if (record.diffId === diffId) used.delete(key)
    await store.layers.forget(diffId)
    // The list may be as wrong as the layer.
    await rm(store.layers.contentsPathOf(diffId), { force: true })
    asked.clear()
    return true
  }
  return {
    steps,
    findList,
    findMount: mountFinder(sources, readers, store),
    prefetch: (key) => {
      if (sources.length > 0) lookUp(key).catch(() => undefined)
    },
    used: () => used,
    drop,
  }
}

function mountFinder(
  sources: readonly Find[],
  readers: readonly CacheReader[],
  store: Store,
): SharedCache['findMount'] {
  return async (key, isUsable) => {
    for (const [i, find] of sources.entries()) {
      const record = await find(key)
      const reader = readers[i]!
      if (record?.layer === undefined || record.diffId === undefined || !isUsable(record.fidelity)) continue
      await noteLayer(record, record.layer, { reader, store })
      return { diffId: record.diffId, label: reader.label }
    }
    return undefined
  }
}

async function noteLayer(
  { diffId, fidelity }: StepRecord,
  { blob, size, contents }: SharedLayer,
  { reader, store }: { readonly reader: CacheReader; readonly store: Store },
): Promise<void> {
  await store.layers.note({
    diffId: diffId!,
    ...(size !== undefined && { size }),
    forms: [blob],
    sources: [{ repository: reader.source, digest: blob.digest }],
    ...(contents && { contents }),
    fidelity,
  })
}

async function isAtHand({ diffId }: StepRecord, store: Store): Promise<boolean> {
  if (diffId === undefined) return true
  const layer = await store.layers.get(diffId)
  return layer !== undefined && (layer.sources.length > 0 || (await presentForm(layer, store)) !== undefined)
}

type Find = (key: Digest) => Promise<SharedRecord | undefined>

/** A reader that never fails: after its first failure it is left alone, and a record that is of no use is passed over. */
function openSource(reader: CacheReader, limit: Limiter, scope: Scope): Find {
  let isOut = false
  const giveUp = (error: unknown): void => {
    if (isCancelled(error) || scope.signal.aborted) throw error
    if (!isOut) scope.emit({ type: 'warning', message: `the cache ${reader.label} is not used: ${messageOf(error)}` })
    isOut = true
  }
  let inline: Promise<ReadonlyMap<Digest, SharedRecord>> | undefined
  const passOver = (key: Digest, error: unknown): void => {
    if (isOfOneRecord(error)) {
      const message = `the cache ${reader.label} has a record that is of no use (${key}): ${messageOf(error)}`
      scope.emit({ type: 'warning', message })
    } else giveUp(error)
  }
  const readInline = async (): Promise<ReadonlyMap<Digest, SharedRecord>> => {
    try {
      return inlineRecords(await reader.images(scope))
    } catch (error) {
      giveUp(error)
      return new Map()
    }
  }
  return async (key) => {
    inline ??= readInline()
    if (isOut) return undefined
    try {
      const document = await limit(async () => (isOut ? undefined : reader.find(key, scope)))
      const record = document && readRecordDocument(key, document)
      return record ?? (await inline).get(key)
    } catch (error) {
      passOver(key, error)
      return undefined
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
