/** Images in the form in which they leave the store: layers compressed, documents that name just these forms. */
import type { Readable } from 'node:stream'
import type { Scope } from '../core/scope.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Document, type Image, type Layer, configDocument, indexDocument, manifestDocument } from '../oci/image.ts'
import { compressionOf, mediaTypes } from '../oci/media-types.ts'
import type { Platform } from '../oci/platform.ts'
import { type Compressing, anyPackedForm, knownForm, makeForm } from './compress.ts'
import type { TransferDeps } from './deps.ts'
import { lostLayer, missingLayer, openSource, presentForm, sourcesOf } from './fetch.ts'

/** How an image's layers and documents shall look. */
export interface Packing {
  /** Default: as they are, and gzip for what is not compressed yet. */
  readonly compression?: Compressing
  /** Also for layers that are compressed in another way already and were not made here. */
  readonly force: boolean
  /** Docker's media types instead of OCI's. */
  readonly docker: boolean
}

/** An image that leaves the store. */
export interface OutgoingImage {
  readonly image: Image
  /** The exact documents of an image that came from elsewhere; made from `image` if not given. */
  readonly documents?: { readonly config: Document; readonly manifest: Document }
  readonly packing?: Packing
  /** True if it leaves with the manifest that it came with. */
  readonly isExact?: boolean
  /** How many of the lowest layers are those of the base. */
  readonly baseLayers?: number
}

/** One image of an index that leaves the store. */
export interface OutgoingMember extends OutgoingImage {
  readonly platform: Platform
  /** Annotations of the descriptor in the index. */
  readonly descriptorAnnotations?: Readonly<Record<string, string>>
}

/** Images for several platforms that leave the store as one. */
export interface OutgoingIndex {
  readonly members: readonly OutgoingMember[]
  readonly annotations: Readonly<Record<string, string>>
  readonly docker: boolean
  /** The exact index, taken if the members' manifests come out as it names them. */
  readonly document?: Document
}

/** What leaves the store. */
export type Outgoing = OutgoingImage | OutgoingIndex

/** True for an index. */
export function isOutgoingIndex(outgoing: Outgoing): outgoing is OutgoingIndex {
  return 'members' in outgoing
}

/** What an image or index comes to: all documents and blobs, each once named. */
export interface Settled {
  /** The manifest, or the index. */
  readonly top: Document
  /** The manifests that the index names; none without an index. */
  readonly manifests: readonly Document[]
  readonly configs: readonly Document[]
  readonly layers: readonly Layer[]
}

/** Decides on a layer's form, and does with it what the transfer is for. */
export type PlaceLayers = (layers: readonly Layer[], from: OutgoingImage) => Promise<readonly Layer[]>

/** Settles all layers, then makes the documents that name them. @throws whatever `place` throws */
export async function settle(outgoing: Outgoing, place: PlaceLayers): Promise<Settled> {
  if (!isOutgoingIndex(outgoing)) {
    const { config, manifest, layers } = await settleImage(outgoing, place)
    return { top: manifest, manifests: [], configs: [config], layers }
  }
  const settled: Awaited<ReturnType<typeof settleImage>>[] = []
  for (const member of outgoing.members) settled.push(await settleImage(member, place))
  const manifests = settled.map((s) => s.manifest)
  const configs = settled.map((s) => s.config)
  return { top: indexFor(outgoing, manifests), manifests, configs, layers: settled.flatMap((s) => s.layers) }
}

async function settleImage(
  outgoing: OutgoingImage,
  place: PlaceLayers,
): Promise<{ config: Document; manifest: Document; layers: readonly Layer[] }> {
  const { image, documents } = outgoing
  const docker = isDocker(outgoing)
  const config = documents?.config ?? configDocument(image, docker ? mediaTypes.dockerConfig : mediaTypes.ociConfig)
  const layers = await place(image.layers, outgoing)
  const isAsItWas = layers.every((layer, i) => layer.blob.digest === image.layers[i]?.blob.digest)
  const manifest =
    documents && isAsItWas
      ? documents.manifest
      : manifestDocument({ ...image, layers }, { config: config.descriptor, docker })
  return { config, manifest, layers }
}

/** Without a wish an image keeps the media types that it has. */
function isDocker({ packing, documents }: OutgoingImage): boolean {
  return packing?.docker ?? documents?.manifest.descriptor.mediaType === mediaTypes.dockerManifest
}

function indexFor({ members, annotations, docker, document }: OutgoingIndex, manifests: readonly Document[]): Document {
  const made = indexDocument(
    manifests.map(({ descriptor }, i) => ({
      ...descriptor,
      platform: members[i]!.platform,
      ...annotated(members[i]!.descriptorAnnotations),
    })),
    { annotations, docker },
  )
  const named = document?.bytes.toString('utf8') ?? ''
  return document && manifests.every(({ descriptor }) => named.includes(descriptor.digest)) ? document : made
}

function annotated(annotations: Readonly<Record<string, string>> | undefined): Pick<Descriptor, 'annotations'> {
  return annotations === undefined || Object.keys(annotations).length === 0 ? {} : { annotations }
}

/** The form in which a layer leaves: as it is asked for, else compressed as it is or was, else with gzip. */
export async function portableForm(
  layer: Layer,
  outgoing: OutgoingImage,
  { deps, scope }: { readonly deps: TransferDeps; readonly scope: Scope },
): Promise<Descriptor> {
  const { blob, diffId } = layer
  const wanted = wantedCompression(layer, outgoing)
  if (wanted === 'as it is') return blob
  const record = await deps.store.layers.get(diffId)
  const compressing = wanted ?? { type: 'gzip' as const }
  const known = await knownForm(record, compressing, deps)
  const hasPlain = (await deps.store.blobs.sizeOf(diffId)) !== undefined
  const other = wanted !== undefined || hasPlain ? undefined : await anyPackedForm(record, deps)
  const form = known ?? other ?? (await makeForm(diffId, compressing, { deps, scope }))
  return { ...form, ...annotated(blob.annotations) }
}

/** Undefined: whatever is compressed. */
function wantedCompression(
  { blob, diffId }: Layer,
  { image, packing, isExact = false, baseLayers = 0 }: OutgoingImage,
): Compressing | 'as it is' | undefined {
  const compression = compressionOf(blob.mediaType)
  const isPacked = compression !== 'none'
  const wanted = packing?.compression
  if (wanted === undefined) return isPacked || isExact ? 'as it is' : undefined
  const isOfBase = image.layers.slice(0, baseLayers).some((l) => l.diffId === diffId)
  if (isPacked && isOfBase && !packing?.force) return 'as it is'
  return compression === wanted.type && wanted.level === undefined ? 'as it is' : wanted
}

/**
 * The bytes of a form: from the store, made again from the plain layer, or straight from a registry that has it.
 * @throws WherryError `blob-missing`, or the registry's error
 */
export async function openForm({ diffId, blob: form }: Layer, deps: TransferDeps, scope: Scope): Promise<Readable> {
  const { store } = deps
  if ((await store.blobs.sizeOf(form.digest)) !== undefined) return store.blobs.read(form.digest)
  const record = await store.layers.get(diffId)
  const source = record && sourcesOf(record).find((s) => s.form.digest === form.digest)
  if (source) {
    try {
      return await openSource(source, deps, scope)
    } catch (error) {
      throw lostLayer(diffId, error)
    }
  }
  if (record && (await presentForm(record, store))) {
    const made = await makeForm(diffId, { type: compressionOf(form.mediaType) }, { deps, scope })
    if (made.digest === form.digest) return store.blobs.read(form.digest)
  }
  throw lostLayer(diffId, missingLayer(diffId))
}

/** The layer in the form in which it leaves, with the blob in the store. @throws as `openForm` */
export async function localPortable(
  layer: Layer,
  outgoing: OutgoingImage,
  { deps, scope }: { readonly deps: TransferDeps; readonly scope: Scope },
): Promise<Layer> {
  const { diffId } = layer
  const blob = await portableForm(layer, outgoing, { deps, scope })
  const present = (await deps.store.blobs.sizeOf(blob.digest)) === blob.size
  if (!present) await deps.store.blobs.write(await openForm({ diffId, blob }, deps, scope), blob)
  return { diffId, blob }
}
