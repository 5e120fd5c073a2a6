/** Images of `docker save` before Docker 25: a config and layers in any compression, and no manifest. */
import { Readable } from 'node:stream'
import { decompress } from '../../archive/decompress.ts'
import { sniffCompression } from '../../archive/detect.ts'
import type { Digest } from '../../core/digest.ts'
import { WherryError } from '../../core/errors.ts'
import { parseJsonObject } from '../../core/json.ts'
import { checkConfig, diffIdsOf } from '../../oci/config.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { type Document, type Image, documentOf, manifestDocument } from '../../oci/image.ts'
import { layerTypeOf, mediaTypes } from '../../oci/media-types.ts'
import type { ArchiveFile } from '../archive-file.ts'
import { transferAll } from '../progress.ts'
import type { DockerItem } from './archive-images.ts'
import { checkLayer } from './check-layer.ts'
import { filesOfArchive, smallFile } from './layout-source.ts'
import type { StoreTools } from './store-place.ts'

/** An image with the documents that the store keeps it by. */
export interface LegacyImage {
  readonly image: Image
  readonly config: Document
  readonly manifest: Document
}

/**
 * Puts the layers of an image into the store and makes a manifest for it; the config stays as it is, and with it the image's id.
 * Nothing refers to them yet.
 * @throws WherryError `blob-missing`, `config-invalid`, `digest-mismatch` if a layer is not what the config says
 */
export async function takeLegacyImage(item: DockerItem, archive: ArchiveFile, tools: StoreTools): Promise<LegacyImage> {
  const bytes = await smallFile(filesOfArchive(archive), item.config)
  if (bytes === undefined) throw missing(item.config, archive)
  const config = checkConfig(parseJsonObject(bytes.toString('utf8'), `${item.config} in ${archive.label}`))
  const diffIds = diffIdsOf(config)
  if (diffIds.length !== item.layers.length) {
    const counts = `${item.layers.length} layers, but its config has ${diffIds.length}`
    throw new WherryError('config-invalid', `an image in ${archive.label} has ${counts}`)
  }
  const pairs = diffIds.map((diffId, i) => ({ diffId, name: item.layers[i]! }))
  const layers = await transferAll(pairs, tools, async ({ diffId, name }, scope) => ({
    diffId,
    blob: await takeLayer({ diffId, name }, archive, { deps: tools.deps, scope }),
  }))
  const image: Image = { config, layers, annotations: {} }
  const document = documentOf(mediaTypes.ociConfig, bytes)
  return { image, config: document, manifest: manifestDocument(image, { config: document.descriptor }) }
}

function missing(name: string, { label }: ArchiveFile): WherryError {
  return new WherryError('blob-missing', `${label} has no file "${name}", which an image in it names`)
}

async function takeLayer(
  { diffId, name }: { readonly diffId: Digest; readonly name: string },
  archive: ArchiveFile,
  { deps: { store }, scope }: StoreTools,
): Promise<Descriptor> {
  const entry = archive.find(name)
  if (entry === undefined) throw missing(name, archive)
  const { kind, source } = await sniffCompression(archive.read(entry) as AsyncIterable<Buffer>)
  const isKept = kind === 'none' || kind === 'gzip' || kind === 'zstd'
  const bytes = Readable.from(isKept ? source : decompress(source, kind, { signal: scope.signal }), {
    objectMode: false,
    signal: scope.signal,
  })
  const isPlain = !isKept || kind === 'none'
  const { digest, size } = await store.blobs.write(bytes, isPlain ? { digest: diffId } : undefined)
  await checkLayer({ blob: { digest }, diffId }, { store, scope })
  const blob = { mediaType: layerTypeOf(isPlain ? 'none' : kind), digest, size }
  await store.layers.note({ diffId, forms: [blob], ...(isPlain ? { size } : {}) })
  return blob
}
