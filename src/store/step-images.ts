/** The images of the steps of builds, made when someone asks for them. */
import { type Digest, hexOf } from '../core/digest.ts'
import { WherryError } from '../core/errors.ts'
import { diffIdsOf, historyOf } from '../oci/config.ts'
import { type StepImage, type StepTrail, historyKeys, stepImages } from '../oci/steps.ts'
import type { Store, StoredImage } from './contract.ts'

type Parts = Pick<Store, 'blobs' | 'layers' | 'trails'>

/** Fewer digits of an id name the image of a step only by accident. */
const shortestPrefix = 6

/** The images of all steps whose layers are here or can be fetched, each once, with their documents written. */
export async function usableSteps(parts: Parts): Promise<StoredImage[]> {
  const made = new Map<Digest, StoredImage>()
  for (const trail of await parts.trails.list()) {
    for (const step of stepImages(trail)) {
      if (made.has(step.id)) continue
      if (!(await isUsable(trail, step, parts))) break
      made.set(step.id, await written(step, parts))
    }
  }
  return [...made.values()]
}

/**
 * The image of a step whose id is, or begins with, `query`; undefined if there is none.
 * @throws WherryError `image-not-found` for the beginning of several ids
 */
export async function resolveStep(query: string, parts: Parts): Promise<StoredImage | undefined> {
  const digits = query.replace(/^sha256:/, '')
  if (!/^[0-9a-f]+$/.test(digits) || digits.length < shortestPrefix) return undefined
  const found = new Map<Digest, StoredImage>()
  for (const trail of await parts.trails.list()) {
    for (const step of stepImages(trail)) {
      if (!hexOf(step.id).startsWith(digits) || found.has(step.id) || !(await isUsable(trail, step, parts))) continue
      found.set(step.id, await written(step, parts))
    }
  }
  if (found.size <= 1) return [...found.values()][0]
  throw new WherryError('image-not-found', `"${query}" is the beginning of ${found.size} image ids`, {
    hint: `Give more digits: ${[...found.keys()].map((id) => hexOf(id).slice(0, 16)).join(', ')}.`,
    details: { ids: [...found.keys()] },
  })
}

/** The ids of what was built here, by the key that `historyKeys` gives the last entry of each. */
export async function idsByHistory(trails: Store['trails']): Promise<ReadonlyMap<Digest, Digest>> {
  const ids = new Map<Digest, Digest>()
  for (const trail of await trails.list()) {
    const keys = historyKeys(trail.config)
    for (const [i, step] of stepImages(trail).entries()) ids.set(keys[trail.from + i]!, step.id)
    ids.set(keys.at(-1)!, trail.id)
  }
  return ids
}

async function isUsable(trail: StepTrail, step: StepImage, { blobs, layers }: Parts): Promise<boolean> {
  for (const { diffId, blob } of trail.layers.slice(0, diffIdsOf(step.image).length)) {
    if ((await blobs.sizeOf(blob.digest)) !== undefined) continue
    const record = await layers.get(diffId)
    const sizes = await Promise.all((record?.forms ?? []).map((form) => blobs.sizeOf(form.digest)))
    if (sizes.every((size) => size === undefined) && (record?.sources ?? []).length === 0) return false
  }
  return true
}

/** The image with its documents in the store, where a collection takes them again if nothing names them. */
async function written({ id, image, config, manifest }: StepImage, { blobs }: Parts): Promise<StoredImage> {
  for (const { bytes, descriptor } of [config, manifest]) await blobs.write(bytes, descriptor)
  const storedAt = historyOf(image).at(-1)?.created ?? '1970-01-01T00:00:00.000Z'
  return { id, manifest: manifest.descriptor, names: [], repoDigests: [], storedAt }
}
