/** Images from their documents: what manifest and config say, checked against each other. */
import type { Readable } from 'node:stream'
import { WherryError } from '../core/errors.ts'
import { parseJsonObject } from '../core/json.ts'
import { checkConfig, diffIdsOf } from '../oci/config.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Document, type Image, type Manifest, isIndex, parseManifestOrIndex } from '../oci/image.ts'
import { compressionOf, layerTypeOf, mediaTypes } from '../oci/media-types.ts'
import type { Store, StoredImage } from '../store/contract.ts'

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
  const isDocker = blob.mediaType === mediaTypes.dockerLayer || blob.mediaType === mediaTypes.dockerLayerGzip
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
 * An image of the store with its documents; its layers may be absent.
 * @throws WherryError `blob-missing`, `config-invalid` (an index, among others)
 */
export async function loadImage(stored: StoredImage, store: Pick<Store, 'blobs'>): Promise<DocumentedImage> {
  const manifest = await readDocument(stored.manifest, store)
  const parsed = manifestOf(manifest)
  return imageOf(parsed, manifest, await readDocument(parsed.config, store))
}
