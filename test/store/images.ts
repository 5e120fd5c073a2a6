/** Small real images for tests of the store and of transfers. */
import { digestOf } from '../../src/core/digest.ts'
import { appendHistory, emptyConfig, withRuntime } from '../../src/oci/config.ts'
import { type Document, type Image, configDocument, manifestDocument } from '../../src/oci/image.ts'
import { mediaTypes } from '../../src/oci/media-types.ts'
import type { Store } from '../../src/store/contract.ts'

/** An image of one uncompressed layer with these bytes, and its documents. */
export function tinyImage(layer: Buffer, label = ''): { image: Image; config: Document; manifest: Document } {
  const diffId = digestOf(layer)
  const base = withRuntime(emptyConfig({ os: 'linux', architecture: 'amd64' }), 'Labels', { label })
  const image: Image = {
    config: appendHistory(base, { created_by: 'test' }, diffId),
    layers: [{ diffId, blob: { mediaType: mediaTypes.ociLayer, digest: diffId, size: layer.length } }],
    annotations: {},
  }
  const config = configDocument(image)
  return { image, config, manifest: manifestDocument(image, { config: config.descriptor }) }
}

/** Stores such an image with its layer. */
export async function putTiny(
  store: Store,
  text: string,
  names: readonly string[],
): Promise<ReturnType<typeof tinyImage>> {
  const layer = Buffer.alloc(1024 + text.length, text)
  const tiny = tinyImage(layer, text)
  await store.blobs.write(layer)
  const { config, manifest } = tiny
  await store.images.put(
    { id: config.descriptor.digest, manifest: manifest.descriptor, documents: [config, manifest] },
    names,
  )
  return tiny
}
