/** What `images`, `inspect` and `history` show of a stored image, read from its documents. */
import type { Digest } from '../core/digest.ts'
import { type ImageConfig, diffIdsOf } from '../oci/config.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Manifest } from '../oci/image.ts'
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
 * Reads an image's documents.
 * @throws WherryError `blob-missing`, `config-invalid`
 */
export async function readImageFacts(store: Store, image: StoredImage): Promise<ImageFacts> {
  const loaded = await loadImage(image, store)
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
