/** Which images containers are made of. */
import type { Digest } from '../core/digest.ts'
import type { Store } from '../store/contract.ts'

/** Names of containers by the id of the image that they are made of. */
export type ImageUses = ReadonlyMap<Digest, readonly string[]>

/** What containers use. No command keeps containers. */
export function imageUses(_store: Store): Promise<ImageUses> {
  return Promise.resolve(new Map())
}

/** How many containers each image has that has any. */
export async function usesById(store: Store): Promise<ReadonlyMap<Digest, number>> {
  return new Map([...(await imageUses(store))].map(([id, names]) => [id, names.length]))
}

/** How many containers there are, and how many run. */
export function containerCounts(_store: Store): Promise<{ readonly all: number; readonly running: number }> {
  return Promise.resolve({ all: 0, running: 0 })
}
