/** What the arguments of `save` mean: NAME:TAG is one name of an image, NAME all its tags, an id or digest an image without names. */
import { WherryError } from '../core/errors.ts'
import { type Reference, formatReference, parseReference } from '../oci/reference.ts'
import type { Store, StoredImage } from '../store/contract.ts'
import type { SavedImage } from '../transfer/save.ts'

/**
 * The images to save, each once with all names that were asked for, in the order of the arguments.
 * @throws WherryError `image-not-found`
 */
export async function imagesToSave(store: Pick<Store, 'images'>, queries: readonly string[]): Promise<SavedImage[]> {
  const images = await store.images.list()
  const saved = new Map<string, SavedImage>()
  for (const query of queries) {
    const tagged = allTags(images, query)
    for (const one of tagged.length > 0 ? tagged : [await single(store, query)]) {
      const before = saved.get(one.stored.manifest.digest)
      const names = [...new Set([...(before?.names ?? []), ...one.names])]
      saved.set(one.stored.manifest.digest, { stored: one.stored, names })
    }
  }
  return [...saved.values()]
}

/** Every name of the store in the repository that a query without tag names. */
function allTags(images: readonly StoredImage[], query: string): SavedImage[] {
  const wanted = tryParse(query)
  if (wanted === undefined || wanted.digest !== undefined || /:[^/]*$/.test(query)) return []
  const isOfRepository = (name: string): boolean => {
    const { registry, repository } = parseReference(name)
    return registry === wanted.registry && repository === wanted.repository
  }
  return images.flatMap((stored) => {
    const names = stored.names.filter(isOfRepository).sort()
    return names.length === 0 ? [] : [{ stored, names }]
  })
}

async function single(store: Pick<Store, 'images'>, query: string): Promise<SavedImage> {
  const stored = await store.images.resolve(query)
  const reference = tryParse(query)
  const name = reference?.digest === undefined && reference !== undefined ? formatReference(reference) : undefined
  return { stored, names: stored.names.filter((one) => one === name) }
}

function tryParse(query: string): Reference | undefined {
  try {
    return parseReference(query)
  } catch (error) {
    // An id: sha256:….
    if (error instanceof WherryError) return undefined
    throw error
  }
}
