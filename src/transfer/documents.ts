/** Images from their documents: what manifest and config say, checked against each other. */
import type { Readable } from 'node:stream'
import { WherryError } from '../core/errors.ts'
import { parseJsonObject } from '../core/json.ts'
import { checkConfig, diffIdsOf, platformOf } from '../oci/config.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Document, type Image, type Index, type Manifest, isIndex, parseManifestOrIndex } from '../oci/image.ts'
import { compressionOf, isIndexType, layerTypeOf, mediaTypes } from '../oci/media-types.ts'
import { type Platform, hostPlatform, normalizePlatform, samePlatform } from '../oci/platform.ts'
import type { Store, StoredImage } from '../store/contract.ts'
import { hasOwnManifest } from './exact.ts'
import { acceptable } from './pick-platform.ts'
import type { Outgoing, OutgoingImage } from './portable.ts'

/** Manifests and configs above this size are refused, in bytes: they are held in memory. */
const documentLimit = 32 << 20

/** An image with the exact bytes of its documents. */
export interface DocumentedImage {
  readonly image: Image
  readonly config: Document
  readonly manifest: Document
}

/**
 * The image that a manifest and its config describe. Docker's layer types become OCI's, since what is made of the image is OCI;
 * the exact documents stay beside it.
 * @throws WherryError `config-invalid`, `json-invalid`, `digest-invalid`
 */
export function imageOf(parsed: Manifest, manifest: Document, config: Document): DocumentedImage {
  const checked = checkConfig(parseJsonObject(config.bytes.toString('utf8'), 'the image config'))
  const diffIds = diffIdsOf(checked)
  if (diffIds.length !== parsed.layers.length) {
    const counts = `${parsed.layers.length} layers, but its config has ${diffIds.length}`
    throw new WherryError('config-invalid', `the image's manifest has ${counts}`)
  }
  const layers = parsed.layers.map((blob, i) => ({ blob: withOciType(blob), diffId: diffIds[i]! }))
  return { image: { config: checked, layers, annotations: parsed.annotations }, config, manifest }
}

function withOciType(blob: Descriptor): Descriptor {
  const isDocker = [mediaTypes.dockerLayer, mediaTypes.dockerLayerGzip, mediaTypes.dockerLayerZstd].some(
    (t) => t === blob.mediaType,
  )
  return isDocker ? { ...blob, mediaType: layerTypeOf(compressionOf(blob.mediaType)) } : blob
}

/**
 * A document's manifest; an index is refused.
 * @throws WherryError `config-invalid`
 */
export function manifestOf(document: Document): Manifest {
  const parsed = parseManifestOrIndex(document.bytes, document.descriptor.mediaType)
  if (!isIndex(parsed)) return parsed
  throw new WherryError('config-invalid', `${document.descriptor.digest} is an index where a manifest was expected`)
}

/** Reads a document of the store. @throws WherryError `blob-missing`, `digest-mismatch`, `config-invalid` (too large) */
export async function readDocument(descriptor: Descriptor, store: Pick<Store, 'blobs'>): Promise<Document> {
  return { descriptor, bytes: await readSmall(store.blobs.read(descriptor.digest), descriptor) }
}

/** Collects a stream that must be small. @throws WherryError `config-invalid` if it is larger than any document, or than its descriptor says */
export async function readSmall(stream: Readable, descriptor: Descriptor): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > documentLimit || size > descriptor.size) {
      throw new WherryError('config-invalid', `${descriptor.digest} is larger than it should be`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/**
 * An image of the store with its documents; its layers may be absent. Of an index the image that fits the platform best, or its
 * first one if none does.
 * @throws WherryError `blob-missing`, `config-invalid`
 */
export async function loadImage(
  stored: Pick<StoredImage, 'manifest'>,
  store: Pick<Store, 'blobs'>,
  platform: Platform = hostPlatform(),
): Promise<DocumentedImage> {
  const { descriptor } = (await chosenMember(stored, store, platform)) ?? { descriptor: stored.manifest }
  const manifest = await readDocument(descriptor, store)
  const parsed = manifestOf(manifest)
  return imageOf(parsed, manifest, await readDocument(parsed.config, store))
}

async function chosenMember(
  stored: Pick<StoredImage, 'manifest'>,
  store: Pick<Store, 'blobs'>,
  platform: Platform,
): Promise<{ readonly descriptor: Descriptor } | undefined> {
  if (!isIndexType(stored.manifest.mediaType)) return undefined
  const { index } = await readIndex(stored, store)
  const fitting = acceptable(normalizePlatform(platform)).flatMap((wanted) =>
    index.manifests.filter((m) => m.platform !== undefined && samePlatform(m.platform, wanted)),
  )
  const descriptor = fitting[0] ?? index.manifests[0]
  return descriptor && { descriptor }
}

async function readIndex(
  { manifest }: Pick<StoredImage, 'manifest'>,
  store: Pick<Store, 'blobs'>,
): Promise<{ readonly index: Index; readonly document: Document }> {
  const document = await readDocument(manifest, store)
  const index = parseManifestOrIndex(document.bytes, manifest.mediaType)
  if (isIndex(index)) return { index, document }
  throw new WherryError('config-invalid', `${manifest.digest} is not the index that it should be`)
}

/** The platforms of a stored index with their manifests; undefined for an image of one platform. @throws as `loadImage` */
export async function indexMembers(
  stored: Pick<StoredImage, 'manifest'>,
  store: Pick<Store, 'blobs'>,
): Promise<readonly Descriptor[] | undefined> {
  return isIndexType(stored.manifest.mediaType) ? (await readIndex(stored, store)).index.manifests : undefined
}

/** What a stored image or index is when it leaves the store, with its exact documents. @throws as `loadImage` */
export async function loadOutgoing(stored: StoredImage, store: Pick<Store, 'blobs'>): Promise<Outgoing> {
  const exact = hasOwnManifest(stored) ? { isExact: true } : {}
  if (!isIndexType(stored.manifest.mediaType)) return { ...outgoingOf(await loadImage(stored, store)), ...exact }
  const { index, document } = await readIndex(stored, store)
  const members = await Promise.all(
    index.manifests.map(async (manifest) => {
      const loaded = await loadImage({ manifest }, store)
      const platform = manifest.platform ?? platformOf(loaded.image.config)
      const annotations = manifest.annotations && { descriptorAnnotations: manifest.annotations }
      return { ...outgoingOf(loaded), ...exact, platform, ...annotations }
    }),
  )
  return { members, annotations: index.annotations, docker: index.mediaType === mediaTypes.dockerList, document }
}

function outgoingOf({ image, config, manifest }: DocumentedImage): OutgoingImage {
  return { image, documents: { config, manifest } }
}
