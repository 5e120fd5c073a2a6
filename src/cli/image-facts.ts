/** What `images`, `inspect` and `history` show of a stored image, read from its documents. */
import { buffer } from 'node:stream/consumers'
import type { Digest } from '../core/digest.ts'
import { WherryError } from '../core/errors.ts'
import { parseJsonObject } from '../core/json.ts'
import { type ImageConfig, checkConfig, diffIdsOf } from '../oci/config.ts'
import { type Manifest, isIndex, parseManifestOrIndex } from '../oci/image.ts'
import type { Store, StoredImage } from '../store/contract.ts'

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
}

/**
 * Reads an image's documents.
 * @throws WherryError `blob-missing`, `store-corrupt` if an index does not lead to the image's config
 */
export async function readImageFacts(store: Store, image: StoredImage): Promise<ImageFacts> {
  const manifest = await readManifest(store, image)
  const config = checkConfig(parseJsonObject((await readBlob(store, image.id)).toString('utf8'), 'the image config'))
  const diffIds = diffIdsOf(config)
  const layers = await Promise.all(
    diffIds.map(async (diffId, i) => {
      const record = await store.layers.get(diffId)
      return { diffId, size: record?.size ?? manifest.layers[i]?.size ?? 0 }
    }),
  )
  const created = config.raw['created']
  return {
    image,
    manifest,
    config,
    layers,
    size: layers.reduce((sum, layer) => sum + layer.size, 0),
    ...(typeof created === 'string' ? { created } : {}),
  }
}

async function readManifest(store: Store, image: StoredImage): Promise<Manifest> {
  const top = parseManifestOrIndex(await readBlob(store, image.manifest.digest), image.manifest.mediaType)
  if (!isIndex(top)) return top
  for (const descriptor of top.manifests) {
    if ((await store.blobs.sizeOf(descriptor.digest)) === undefined) continue
    const manifest = parseManifestOrIndex(await readBlob(store, descriptor.digest), descriptor.mediaType)
    if (!isIndex(manifest) && manifest.config.digest === image.id) return manifest
  }
  throw new WherryError('store-corrupt', `the index ${image.manifest.digest} does not lead to the image ${image.id}`)
}

async function readBlob(store: Store, digest: Digest): Promise<Buffer> {
  return buffer(store.blobs.read(digest))
}
