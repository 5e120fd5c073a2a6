/** Images by what users call them. */
import { WherryError } from '../core/errors.ts'
import type { Store, StoredImage } from '../store/contract.ts'

/** The image in the store, or undefined if there is none. @throws WherryError for the beginning of several ids */
export async function findStored(store: Pick<Store, 'images'>, query: string): Promise<StoredImage | undefined> {
  try {
    return await store.images.resolve(query)
  } catch (error) {
    if (error instanceof WherryError && error.code === 'image-not-found' && error.details === undefined)
      return undefined
    throw error
  }
}
