/** What `images`, `inspect` and `history` show of a stored image, read from its documents. */
import type { Digest } from '../core/digest.ts'
import { WherryError } from '../core/errors.ts'
import { mapLimit } from '../core/schedule.ts'
import { type ImageConfig, diffIdsOf } from '../oci/config.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Manifest } from '../oci/image.ts'
import type { Platform } from '../oci/platform.ts'
import type { Store, StoredImage } from '../store/contract.ts'
import { indexMembers, loadImage, manifestOf } from '../transfer/documents.ts'

/** A layer as people see it. */
export interface LayerFacts {
  readonly diffId: Digest
  /** Bytes: of the uncompressed tar if known, else of the blob. */
  readonly size: number
}

/** An image with its documents. */
export interface ImageFacts {
  readonly image: StoredImage
  readonly manifest: Manifest
  readonly config: ImageConfig
  /** Lowest first. */
  readonly layers: readonly LayerFacts[]
  /** Sum of the layers, in bytes. */
  readonly size: number
  /** ISO 8601, as the config has it. */
  readonly created?: string
  /** The images of an index, of which the facts are those of the one for this machine. */
  readonly members?: readonly Descriptor[]
}

/**
 * Reads an image's documents; of an index those of the image for `platform`, or for this machine.
 * @throws WherryError `blob-missing`, `config-invalid`
 */
export async function readImageFacts(
  store: Pick<Store, 'blobs' | 'layers'>,
  image: StoredImage,
  platform?: Platform,
): Promise<ImageFacts> {
  const loaded = await loadImage(image, store, platform)
  const manifest = manifestOf(loaded.manifest)
  const { config } = loaded.image
  const diffIds = diffIdsOf(config)
  const layers = await Promise.all(
    diffIds.map(async (diffId, i) => {
      const record = await store.layers.get(diffId)
      return { diffId, size: record?.size ?? manifest.layers[i]?.size ?? 0 }
    }),
  )
  const created = config.raw['created']
  const members = await indexMembers(image, store)
  return {
    image,
    manifest,
    config,
    layers,
    size: layers.reduce((sum, layer) => sum + layer.size, 0),
    ...(typeof created === 'string' ? { created } : {}),
    ...(members && { members }),
  }
}

/** The facts of several images, in their order, without those that another process has removed meanwhile. @throws as `readImageFacts` */
export async function readAllFacts(store: Store, images: readonly StoredImage[]): Promise<ImageFacts[]> {
  const read = await mapLimit(images, 8, async (image) => {
    try {
      return [await readImageFacts(store, image)]
    } catch (error) {
      const isLost = error instanceof WherryError && error.code === 'blob-missing'
      const isThere = (await store.images.list()).some(({ manifest }) => manifest.digest === image.manifest.digest)
      if (isLost && !isThere) return []
      throw error
    }
  })
  return read.flat()
}

/** When the image was made, in milliseconds since 1970; when it came into the store if its config does not say. */
export function createdMs({ created, image }: Pick<ImageFacts, 'created' | 'image'>): number {
  const at = Date.parse(created ?? '')
  return Number.isNaN(at) ? Date.parse(image.storedAt) : at
}

/** The layers that more than one of the images has. */
export function sharedLayers(all: readonly ImageFacts[]): ReadonlySet<Digest> {
  const users = new Map<Digest, Digest>()
  const shared = new Set<Digest>()
  for (const { image, layers } of all) {
    for (const { diffId } of layers) {
      const user = users.get(diffId)
      if (user !== undefined && user !== image.id) shared.add(diffId)
      users.set(diffId, image.id)
    }
  }
  return shared
}

/** Bytes of all images, each layer counted once. */
export function sizeOfAll(all: readonly ImageFacts[]): number {
  const sizes = new Map(all.flatMap(({ layers }) => layers.map(({ diffId, size }) => [diffId, size] as const)))
  return [...sizes.values()].reduce((sum, size) => sum + size, 0)
}
