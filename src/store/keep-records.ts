/** Which records a collection keeps: by when they were last used, and by how much what they reach takes. */
import type { Digest } from '../core/digest.ts'
import type { CollectionPolicy, LayerIndex } from './contract.ts'
import type { Found } from './found.ts'
import type { Marker } from './mark.ts'

/** A record, and the layer or blob that it keeps. */
export interface Keeper {
  readonly found: Found
  target(this: void): Promise<Digest | undefined>
}

/** What keeping works with. */
export interface KeepParts {
  /** Has reached what images and leases need. */
  readonly marker: Marker
  readonly policy: CollectionPolicy
  /** Of all blobs, in bytes. */
  readonly sizes: ReadonlyMap<Digest, number>
  readonly layers: LayerIndex
}

/** Marks what the records that stay reach. `usedAfter` is when the one of them that was used longest ago was used, in milliseconds. */
export async function keepRecords(
  records: readonly Keeper[],
  { marker, policy, sizes, layers }: KeepParts,
): Promise<{ readonly kept: ReadonlySet<Found>; readonly usedAfter: number }> {
  const { usedBefore, keepBytes } = policy
  const kept = new Set<Found>()
  let usedAfter = usedBefore
  let total = [...marker.reached].reduce((sum, digest) => sum + (sizes.get(digest) ?? 0), 0)
  const bytesOf = async (digest: Digest): Promise<number> => {
    const forms = (await layers.get(digest))?.forms.map((form) => form.digest) ?? []
    const fresh = [...new Set([digest, ...forms])].filter((one) => !marker.reached.has(one))
    return fresh.reduce((sum, one) => sum + (sizes.get(one) ?? 0), 0)
  }
  for (const { found, target } of [...records].sort((a, b) => b.found.used - a.found.used)) {
    const isOld = found.used < usedBefore
    if (isOld && keepBytes === undefined) break
    const digest = await target()
    const bytes = digest === undefined ? 0 : await bytesOf(digest)
    if (isOld && total + bytes > (keepBytes ?? 0)) break
    total += bytes
    kept.add(found)
    usedAfter = Math.min(usedAfter, found.used)
    if (digest !== undefined) await marker.reach(digest)
  }
  return { kept, usedAfter }
}
