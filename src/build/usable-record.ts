/** Looks for the record of a step's result, and says what is wrong with one that is of no use. */
import type { Digest } from '../core/digest.ts'
import type { StepRecord } from '../store/contract.ts'
import { stackKey } from './keys.ts'
import type { Lookup, Session, StepResult } from './engine.ts'

/** A result that can be used, or why there is none. */
export type Found =
  | { readonly result: StepResult; readonly over?: Digest | undefined; readonly miss?: undefined }
  | { readonly miss: Lookup; readonly over?: undefined }

/** A record whose layer is at hand, here or in a registry that had it, and exact enough for this build. */
export async function usableRecord(key: Digest, session: Session): Promise<Found> {
  const { store, trees } = session.deps
  const record = await store.steps.get(key)
  if (record?.diffId === undefined) return { miss: 'no-record' }
  if (record.fidelity === 'emulated' && trees.fidelity === 'exact') return { miss: 'other-mode' }
  const { diffId } = record
  await session.hold(diffId)
  const layer = await store.layers.get(diffId)
  if (layer === undefined) return { miss: 'layer-absent' }
  const found = { result: resultOf({ ...record, diffId }), over: record.over }
  if (layer.sources.length > 0) return found
  for (const form of layer.forms) {
    // A blob of another size was cut by a crash or a full disk.
    if ((await store.blobs.sizeOf(form.digest)) === form.size) return found
  }
  return { miss: 'layer-absent' }
}

/**
 * `found`, if it was made over the input that this build has. Two builds at once may have made different layers of one step: what
 * comes over one of them does not go over the other.
 */
export async function overSame(found: Found, input: () => Promise<readonly Digest[]>): Promise<Found> {
  if (found.over === undefined || found.over === stackKey(await input())) return found
  return { miss: 'renewed' }
}

function resultOf({ diffId, createdAt, fidelity }: StepRecord & { diffId: Digest }): StepResult {
  return { diffId, createdAt, fidelity }
}
