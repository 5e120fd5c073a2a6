/** Cached steps as commands show them. */
import { mapLimit } from '../core/schedule.ts'
import { hexOf } from '../core/digest.ts'
import { WherryError } from '../core/errors.ts'
import type { LayerRecord, Store, StoredStep } from '../store/contract.ts'

/** A cached step with what the store knows of its layer. */
export interface CachedStep extends StoredStep {
  readonly layer?: LayerRecord
  /** True if the layer's bytes are in the store. */
  readonly isHere: boolean
}

/** All steps, the one that was used last first. */
export async function cachedSteps(store: Store): Promise<CachedStep[]> {
  const steps = await mapLimit(await store.listSteps(), 16, (step) => withLayer(step, store))
  return steps.sort((a, b) => b.lastUsed - a.lastUsed || (a.key < b.key ? -1 : 1))
}

/**
 * The step whose key begins with `query`, with or without `sha256:`.
 * @throws WherryError `usage` if there is none, or several
 */
export async function cachedStep(query: string, store: Store): Promise<CachedStep> {
  const beginning = query.replace(/^sha256:/, '')
  const fitting = (await store.listSteps()).filter(({ key }) => hexOf(key).startsWith(beginning))
  if (fitting.length === 1) return withLayer(fitting[0]!, store)
  const what = fitting.length === 0 ? 'no cached step has' : `${fitting.length} cached steps have`
  throw new WherryError('usage', `${what} a key that begins with "${query}"`, { hint: '`wherry cache ls` lists them.' })
}

async function withLayer(step: StoredStep, store: Store): Promise<CachedStep> {
  const { diffId } = step.record
  const layer = diffId === undefined ? undefined : await store.layers.get(diffId)
  const sizes = await Promise.all((layer?.forms ?? []).map(({ digest }) => store.blobs.sizeOf(digest)))
  return { ...step, ...(layer && { layer }), isHere: sizes.some((size) => size !== undefined) }
}
