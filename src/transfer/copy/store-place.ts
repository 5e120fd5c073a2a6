/** Images in the store: read from it as they leave it, and put into it as they are. */
import { Readable } from 'node:stream'
import { type Digest, hexOf } from '../../core/digest.ts'
import { WherryError } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Layer, Manifest } from '../../oci/image.ts'
import { mediaTypes } from '../../oci/media-types.ts'
import type { StoredImage } from '../../store/contract.ts'
import type { TransferDeps } from '../deps.ts'
import { imageOf, loadOutgoing, readDocument } from '../documents.ts'
import { hasOwnManifest } from '../exact.ts'
import { type Outgoing, type PlaceLayers, type Settled, localPortable, openForm, settle } from '../portable.ts'
import { logTransfer, transferAll } from '../progress.ts'
import { checkLayer } from './check-layer.ts'
import type { FoundImage, ImageSource, PlannedCopy } from './contract.ts'

/** What these functions work with. */
export interface StoreTools {
  readonly deps: TransferDeps
  readonly scope: Scope
}

/** Larger documents would not be followed when the store is pruned, in bytes. */
const documentLimit = 4 << 20

/**
 * A stored image as it leaves the store: what came from elsewhere with its own manifest, what was built here with compressed layers.
 * @throws WherryError `blob-missing`, the errors of fetching layers
 */
export async function foundInStore(
  stored: StoredImage,
  names: readonly string[],
  tools: StoreTools,
): Promise<FoundImage> {
  const { store } = tools.deps
  if (!hasOwnManifest(stored)) return foundSettled(await loadOutgoing(stored, store), names, tools)
  const top = await readDocument(stored.manifest, store)
  return { source: exactSource(stored, tools.deps), top, names }
}

/** An image whose layers are in the store in any form, with compressed layers. @throws WherryError as `foundInStore` */
export async function foundSettled(
  outgoing: Outgoing,
  names: readonly string[],
  { deps, scope }: StoreTools,
): Promise<FoundImage> {
  const place: PlaceLayers = (layers, from) =>
    transferAll(layers, { deps, scope }, (layer, inner) => localPortable(layer, from, { deps, scope: inner }))
  const settled = await settle(outgoing, place)
  return { source: settledSource(settled, deps), top: settled.top, names }
}

function settledSource({ manifests, configs }: Settled, { store }: TransferDeps): ImageSource {
  const known = new Map([...manifests, ...configs].map((document) => [document.descriptor.digest, document]))
  return {
    label: 'the store',
    document: (descriptor) => {
      const document = known.get(descriptor.digest)
      return document ? Promise.resolve(document) : readDocument(descriptor, store)
    },
    open: ({ digest }) => {
      const bytes = known.get(digest)?.bytes
      return Promise.resolve(bytes ? Readable.from([bytes], { objectMode: false }) : store.blobs.read(digest))
    },
  }
}

/** Blobs that are absent are read from where they were seen, or made again from the plain layer. */
function exactSource({ manifest }: StoredImage, deps: TransferDeps): ImageSource {
  const { store } = deps
  let layers: Promise<ReadonlyMap<Digest, Layer>> | undefined
  return {
    label: 'the store',
    document: (descriptor) => readDocument(descriptor, store),
    open: async (descriptor, scope) => {
      if ((await store.blobs.sizeOf(descriptor.digest)) === descriptor.size) return store.blobs.read(descriptor.digest)
      layers ??= layersBelow(manifest, deps)
      const layer = (await layers).get(descriptor.digest)
      return layer ? await openForm(layer, deps, scope) : store.blobs.read(descriptor.digest)
    },
  }
}

/** The layers of all images of a stored index, by their blobs. */
async function layersBelow(top: Descriptor, deps: TransferDeps): Promise<ReadonlyMap<Digest, Layer>> {
  const outgoing = await loadOutgoing(
    { manifest: top, id: top.digest, names: [], repoDigests: [], storedAt: '' },
    deps.store,
  )
  const images = 'members' in outgoing ? outgoing.members : [outgoing]
  return new Map(images.flatMap(({ image }) => image.layers).map((layer) => [layer.blob.digest, layer]))
}

/** What was put into the store. */
export interface StoredCopy {
  readonly id: Digest
  readonly manifest: Digest
}

/**
 * Puts an image or index into the store: all blobs, then what is known of its layers, then its names. Until then nothing refers to it,
 * so a copy that is broken off leaves the store's images as they were. The caller holds a lease.
 * @throws WherryError `digest-mismatch` (also where a layer is not what its config says), `config-invalid`, the source's errors
 */
export async function copyToStore(copy: PlannedCopy, names: readonly string[], tools: StoreTools): Promise<StoredCopy> {
  const { deps, scope } = tools
  const { plan, source } = copy
  const { store } = deps
  checkSizes(copy)
  await transferAll(plan.blobs, { deps, scope }, async (blob, inner) => {
    const subject = hexOf(blob.digest).slice(0, 12)
    await logTransfer({ id: `copy ${blob.digest}`, kind: 'copy', subject, total: blob.size }, inner, async () => {
      const isThere = (await store.blobs.sizeOf(blob.digest)) === blob.size
      await store.blobs.write(await source.open(blob, inner), blob)
      return { outcome: isThere ? 'exists' : 'done', bytes: isThere ? 0 : blob.size, value: undefined }
    })
  })
  for (const manifest of plan.manifests.filter(isImage)) await noteLayers(manifest, source, tools)
  const { descriptor } = plan.top
  const only = plan.manifests.find(({ bytes }) => bytes === plan.top.bytes)
  const id = only?.config.digest ?? descriptor.digest
  await store.images.put({ id, manifest: descriptor, isExact: true, documents: [plan.top, ...plan.documents] }, names)
  if (source.repository !== undefined) {
    const { registry, repository } = source.repository
    await store.images.noteRepoDigest(descriptor.digest, `${registry}/${repository}@${descriptor.digest}`)
  }
  return { id, manifest: descriptor.digest }
}

function checkSizes({ plan, source }: PlannedCopy): void {
  const documents = [plan.top, ...plan.documents].map((d) => ({ digest: d.descriptor.digest, size: d.bytes.length }))
  const configs = plan.manifests.filter(isImage).map(({ config }) => config)
  const large = [...documents, ...configs].find(({ size }) => size > documentLimit)
  if (large === undefined) return
  const { digest, size } = large
  throw new WherryError('config-invalid', `${digest} in ${source.label} has ${size} bytes, too many for what it is`, {
    hint: `The store takes manifests and configs of at most ${documentLimit} bytes, as registries do.`,
  })
}

/** False for an artifact of another kind. */
function isImage({ config }: Manifest): boolean {
  return config.mediaType === mediaTypes.ociConfig || config.mediaType === mediaTypes.dockerConfig
}

/** Checks the layers of an image against its config, and notes their forms. */
async function noteLayers(manifest: Manifest, source: ImageSource, { deps, scope }: StoreTools): Promise<void> {
  const { store } = deps
  const { config, mediaType, bytes } = manifest
  const document = { descriptor: { mediaType, digest: config.digest, size: bytes.length }, bytes }
  const { image } = imageOf(manifest, document, await readDocument(config, store))
  const from = source.repository && `${source.repository.registry}/${source.repository.repository}`
  await transferAll(image.layers, { deps, scope }, async ({ blob, diffId }, inner) => {
    // Of layers that registries do not distribute there is nothing to look at.
    if ((await store.blobs.sizeOf(blob.digest)) === undefined) return
    await checkLayer({ blob, diffId }, { store, scope: inner })
    const sources = from === undefined ? [] : [{ repository: from, digest: blob.digest }]
    await store.layers.note({ diffId, forms: [blob], sources })
  })
}
