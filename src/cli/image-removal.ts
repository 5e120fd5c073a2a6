/** Taking names off images, and images out of the store: for `rmi` and `prune`. */
import type { Digest } from '../core/digest.ts'
import { mapLimit } from '../core/schedule.ts'
import { familiarReference, parseReference } from '../oci/reference.ts'
import { type StepImage, historyKeys, stepImages } from '../oci/steps.ts'
import type { Store, StoredImage } from '../store/contract.ts'
import { readImageFacts } from './image-facts.ts'
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

/**
 * Forgets the images of the steps of an image that is gone, but for those that other images are built on.
 * @returns the ids that there are no more, the last step first
 */
export async function removeSteps(store: Store, id: Digest): Promise<Digest[]> {
  const images = await store.images.list()
  const trail = await store.trails.get(id)
  // Another manifest has the same config.
  if (trail === undefined || images.some((image) => image.id === id)) return []
  const steps = stepImages(trail)
  const needed = await neededSteps(steps, images, store)
  await store.trails.remove(id)
  // One step more than is needed: the last one of a trail stands for the finished image.
  if (needed > 0) await store.trails.put({ ...trail, runtimes: trail.runtimes.slice(0, needed + 1) })
  const others = await store.trails.list()
  const kept = new Set([
    ...images.map((image) => image.id),
    ...others.flatMap((other) => [other.id, ...stepImages(other).map((step) => step.id)]),
  ])
  return steps
    .map((step) => step.id)
    .filter((step) => step !== id && !kept.has(step))
    .reverse()
}

/** How many of the steps, from the first one on, another image is built on. */
async function neededSteps(steps: readonly StepImage[], images: readonly StoredImage[], store: Store): Promise<number> {
  // An image whose documents are lost is built on nothing that anyone can tell.
  const keysOf = (image: StoredImage): Promise<Digest[]> =>
    readImageFacts(store, image).then(
      ({ config }) => historyKeys(config),
      () => [],
    )
  const keys = new Set((await mapLimit(images, 8, keysOf)).flat())
  return steps.findLastIndex((step) => keys.has(historyKeys(step.image).at(-1)!)) + 1
}
