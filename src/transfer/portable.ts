/**
 * Layers in the form in which they leave the store: compressed. A form that was seen once is used again, so that a second push or
 * export has the same manifest.
 */
import { Readable } from 'node:stream'
import { gzipParallel } from '../archive/gzip.ts'
import type { Digest } from '../core/digest.ts'
import { type Limiter, limiter } from '../core/schedule.ts'
import { throwIfCancelled, type Scope } from '../core/scope.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Document, type Image, type Layer, manifestDocument } from '../oci/image.ts'
import { compressionOf, layerTypeOf } from '../oci/media-types.ts'
import type { LayerRecord } from '../store/contract.ts'
import type { TransferDeps } from './deps.ts'
import { fetchLayer, missingLayer, presentForm, sourcesOf } from './fetch.ts'

/** An image that leaves the store. */
export interface OutgoingImage {
  readonly image: Image
  /** The exact documents of an image that came from elsewhere; made from `image` if not given. */
  readonly documents?: { readonly config: Document; readonly manifest: Document }
}

/** The exact manifest if it names these forms of the layers, else one that does. */
export function manifestFor({ image, documents }: OutgoingImage, config: Document, layers: readonly Layer[]): Document {
  const isAsItWas = layers.every((layer, i) => layer.blob.digest === image.layers[i]?.blob.digest)
  return documents && isAsItWas ? documents.manifest : manifestDocument({ ...image, layers }, config.descriptor)
}

/** One layer already keeps all cores busy while it is compressed; the second fills the gaps of the first one's reading. */
const compressors: Limiter = limiter(2)

/** The layer's compressed form: its own, else the first that the store knows and can get, else one made now. */
export async function portableForm(layer: Layer, deps: TransferDeps, scope: Scope): Promise<Descriptor> {
  if (compressionOf(layer.blob.mediaType) !== 'none') return layer.blob
  const record = await deps.store.layers.get(layer.diffId)
  for (const form of record?.forms ?? []) {
    if (compressionOf(form.mediaType) !== 'none' && (await isWithinReach(form, record!, deps))) return form
  }
  return await compressLayer(layer.diffId, deps, scope)
}

async function isWithinReach(form: Descriptor, record: LayerRecord, { store }: TransferDeps): Promise<boolean> {
  if (record.sources.some((source) => source.digest === form.digest)) return true
  return (await store.blobs.sizeOf(form.digest)) === form.size
}

/** Compresses a layer that the store has in plain form, and notes the new form. @throws WherryError `blob-missing` */
async function compressLayer(diffId: Digest, deps: TransferDeps, scope: Scope): Promise<Descriptor> {
  const { store } = deps
  if ((await store.blobs.sizeOf(diffId)) === undefined) {
    const fetched = await fetchLayer(diffId, deps, scope)
    if (compressionOf(fetched.mediaType) !== 'none') return fetched
  }
  return await compressors(async () => {
    throwIfCancelled(scope)
    const plain = store.blobs.read(diffId)
    const { digest, size } = await store.blobs.write(
      Readable.from(gzipParallel(plain as AsyncIterable<Buffer>), { objectMode: false, signal: scope.signal }),
    )
    const form = { mediaType: layerTypeOf('gzip'), digest, size }
    await store.layers.note({ diffId, forms: [form] })
    return form
  })
}

/**
 * The bytes of a form: from the store, made again from the plain layer, or straight from a registry that has it.
 * @throws WherryError `blob-missing`, or the registry's error
 */
export async function openForm({ diffId, blob: form }: Layer, deps: TransferDeps, scope: Scope): Promise<Readable> {
  const { store, registry } = deps
  if ((await store.blobs.sizeOf(form.digest)) !== undefined) return store.blobs.read(form.digest)
  const record = await store.layers.get(diffId)
  const source = record && sourcesOf(record).find((s) => s.form.digest === form.digest)
  if (source) return await registry.blob(source.repository, form, scope)
  if (record && (await presentForm(record, store))) {
    const made = await compressLayer(diffId, deps, scope)
    if (made.digest === form.digest) return store.blobs.read(form.digest)
  }
  throw missingLayer(diffId)
}

/** The layer in its compressed form, with the blob in the store. @throws as `openForm` */
export async function localPortable(layer: Layer, deps: TransferDeps, scope: Scope): Promise<Layer> {
  const { diffId } = layer
  const blob = await portableForm(layer, deps, scope)
  const present = (await deps.store.blobs.sizeOf(blob.digest)) === blob.size
  if (!present) await deps.store.blobs.write(await openForm({ diffId, blob }, deps, scope), blob)
  return { diffId, blob }
}
