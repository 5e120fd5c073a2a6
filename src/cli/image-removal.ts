/** Taking names off images, and images out of the store: for `rmi` and `prune`. */
import type { Digest } from '../core/digest.ts'
import { familiarReference, parseReference } from '../oci/reference.ts'
import { stepImages } from '../oci/steps.ts'
import type { Store, StoredImage } from '../store/contract.ts'
import { familiarDigest } from './inspection.ts'

/**
 * Takes these names and digest references off an image, which goes if none is left. One that another process gives it at the same
 * time keeps it.
 * @returns the lines that docker prints of it
 */
export async function removeImage(
  store: Store,
  image: StoredImage,
  references: readonly string[],
): Promise<{ readonly lines: readonly string[]; readonly isGone: boolean }> {
  const isGone = await store.images.remove(image.manifest.digest, references)
  const untagged = references.map((reference) => `Untagged: ${shortForm(reference)}`)
  return { lines: isGone ? [...untagged, `Deleted: ${image.id}`] : untagged, isGone }
}

function shortForm(reference: string): string {
  return reference.includes('@') ? familiarDigest(reference) : familiarReference(parseReference(reference))
}

/** Forgets the images of the steps of an image that is gone. @returns the ids that no other build has, the last step first */
export async function removeSteps(store: Store, id: Digest): Promise<Digest[]> {
  const images = await store.images.list()
  const trail = await store.trails.get(id)
  // Another manifest has the same config.
  if (trail === undefined || images.some((image) => image.id === id)) return []
  await store.trails.remove(id)
  const others = await store.trails.list()
  const kept = new Set([...images.map((image) => image.id), ...others.flatMap((other) => [other.id, ...idsOf(other)])])
  return idsOf(trail)
    .filter((step) => !kept.has(step))
    .reverse()
}

function idsOf(trail: Parameters<typeof stepImages>[0]): Digest[] {
  return stepImages(trail).map((step) => step.id)
}
