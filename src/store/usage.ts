/** How much of the blobs is whose. */
import type { Digest } from '../core/digest.ts'
import { folders } from './formats.ts'
import { listFiles } from './found.ts'
import { createMarker } from './mark.ts'
import type { Store, StoredImage } from './contract.ts'
import { join } from 'node:path'

/** Bytes of blobs. */
export interface BlobUse {
  /** What the images need. */
  readonly images: number
  /** What none of the images that `isUsed` is true for needs. */
  readonly freeable: number
  /** What no image needs: build cache, and what nothing needs. */
  readonly others: number
}

/** Measures the blobs by what reaches them. */
export async function blobUse(
  store: Pick<Store, 'root' | 'blobs' | 'layers'>,
  images: readonly StoredImage[],
  isUsed: (image: StoredImage) => boolean,
): Promise<BlobUse> {
  const files = await listFiles(join(store.root, folders.oci, 'blobs', 'sha256'), '')
  const sum = (counts: (digest: Digest) => boolean): number =>
    files.reduce((total, { digest, size }) => total + (counts(digest) ? size : 0), 0)
  const marker = createMarker(store.blobs, store.layers)
  const mark = async (some: readonly StoredImage[]): Promise<void> => {
    for (const { id, manifest } of some) for (const digest of [manifest.digest, id]) await marker.reach(digest)
  }
  await mark(images.filter(isUsed))
  const used = sum((digest) => marker.reached.has(digest))
  await mark(images)
  const all = sum((digest) => marker.reached.has(digest))
  return { images: all, freeable: all - used, others: sum(() => true) - all }
}
