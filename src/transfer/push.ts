/** `push`: an image to a registry. What the registry has is not sent, nor even read. */
import { hexOf, type Digest } from '../core/digest.ts'
import type { Scope } from '../core/scope.ts'
import type { Document, Layer } from '../oci/image.ts'
import { isForeignLayerType } from '../oci/media-types.ts'
import { type Reference, familiarReference, formatReference } from '../oci/reference.ts'
import type { PushBlob, UploadMemory } from '../registry/contract.ts'
import { Readable } from 'node:stream'
import type { TransferDeps } from './deps.ts'
import { parseRepository } from './fetch.ts'
import {
  type Outgoing,
  type OutgoingImage,
  type PlaceLayers,
  type Settled,
  openForm,
  portableForm,
  settle,
} from './portable.ts'
import { logTransfer, transferAll } from './progress.ts'

/** What to push where. */
export interface PushRequest {
  readonly outgoing: Outgoing
  /** With a tag, or without one: then by digest alone. */
  readonly reference: Reference
  /** The manifest (or index) under which the store has the image; it is told the digest in the registry. */
  readonly stored?: Digest
}

/** What the registry has now. */
export interface PushResult {
  readonly digest: Digest
  readonly size: number
  readonly settled: Settled
}

/**
 * Pushes an image or an index of images under one name: layers, several at a time, each as soon as it is compressed, then configs,
 * then manifests, and what has the name last. Emits a transfer per blob and `pushed` at the end.
 * @throws WherryError `blob-missing`, `registry`, `auth-failed`, `network`, `cancelled`
 */
export async function pushImage(request: PushRequest, deps: TransferDeps, scope: Scope): Promise<PushResult> {
  const { outgoing, reference } = request
  const place: PlaceLayers = (layers, from) =>
    transferAll(layers, { deps, scope }, (layer, inner) => placeLayer(layer, from, { reference, deps, scope: inner }))
  const settled = await settle(outgoing, place)
  for (const config of settled.configs) await pushConfig(config, { reference, deps, scope })
  for (const manifest of settled.manifests) {
    await deps.registry.pushManifest(reference, manifest.descriptor.digest, manifest, scope)
  }
  const { digest } = settled.top.descriptor
  await deps.registry.pushManifest(reference, reference.tag ?? digest, settled.top, scope)
  await noteDigest(request, digest, deps)
  const documents = [settled.top, ...settled.manifests, ...settled.configs]
  const sizes = [...documents.map((d) => d.descriptor.size), ...settled.layers.map((l) => l.blob.size)]
  const size = sizes.reduce((a, b) => a + b, 0)
  scope.emit({ type: 'pushed', reference: familiarReference(reference), digest, size })
  return { digest, size, settled }
}

/** Layers on their way, by registry client: a layer that is pushed while the image is still being built is pushed once. */
const underway = new WeakMap<TransferDeps['registry'], Map<string, Promise<Layer>>>()

/** Gives a layer the form in which it leaves, and makes sure that the registry has it. @throws as `pushImage` */
export async function placeLayer(layer: Layer, from: OutgoingImage, target: PushTarget): Promise<Layer> {
  const { reference, deps, scope } = target
  const started = underway.get(deps.registry) ?? new Map<string, Promise<Layer>>()
  underway.set(deps.registry, started)
  const compression = JSON.stringify(from.packing?.compression ?? null)
  const key = [reference.registry, reference.repository, layer.diffId, layer.blob.mediaType, compression].join(' ')
  const known = started.get(key)
  if (known !== undefined) return known
  const push = async (): Promise<Layer> => {
    const placed = { diffId: layer.diffId, blob: await portableForm(layer, from, { deps, scope }) }
    await pushLayer(placed, target)
    return placed
  }
  const placing = push().finally(() => started.delete(key))
  started.set(key, placing)
  return placing
}

/** Where to push blobs. */
export interface PushTarget {
  readonly reference: Reference
  readonly deps: TransferDeps
  readonly scope: Scope
}

/** Pushes a layer in the form that `layer.blob` is, which may be absent here, and notes that the repository has it. */
export async function pushLayer(layer: Layer, { reference, deps, scope }: PushTarget): Promise<void> {
  const { diffId, blob: form } = layer
  // Layers that registries do not distribute stay where their manifest says they are.
  if (isForeignLayerType(form.mediaType)) return
  const repository = `${reference.registry}/${reference.repository}`
  const sources = (await deps.store.layers.get(diffId))?.sources ?? []
  const mountFrom = sources
    .filter((s) => s.digest === form.digest)
    .map((s) => parseRepository(s.repository))
    .filter((s) => s.registry === reference.registry && s.repository !== reference.repository)
    .map((s) => s.repository)
  await pushBlob({ descriptor: form, mountFrom, open: () => openForm(layer, deps, scope) }, { reference, deps, scope })
  await deps.store.layers.note({ diffId, forms: [form], sources: [{ repository, digest: form.digest }] })
}

async function pushConfig({ descriptor, bytes }: Document, target: PushTarget): Promise<void> {
  await pushBlob({ descriptor, mountFrom: [], open: () => Readable.from([bytes], { objectMode: false }) }, target)
}

async function pushBlob(blob: PushBlob, { reference, deps, scope }: PushTarget): Promise<void> {
  const { digest, size } = blob.descriptor
  const transfer = {
    id: `push ${formatReference(reference)} ${digest}`,
    kind: 'push',
    subject: hexOf(digest).slice(0, 12),
    total: size,
  } as const
  await logTransfer(transfer, scope, async ({ at }) => {
    const session = memoryOf(`${reference.registry}/${reference.repository} ${digest}`, deps)
    const how = await deps.registry.pushBlob(reference, { ...blob, onProgress: at, session }, scope)
    return { outcome: how === 'pushed' ? 'done' : how, bytes: how === 'pushed' ? size : 0, value: undefined }
  })
}

function memoryOf(upload: string, { store }: TransferDeps): UploadMemory {
  const { uploads } = store
  return {
    take: () => uploads.take(upload),
    keep: (url) => (url === undefined ? uploads.drop(upload) : uploads.put(upload, url)),
  }
}

async function noteDigest({ stored, reference }: PushRequest, pushed: Digest, deps: TransferDeps): Promise<void> {
  if (stored === undefined) return
  const isStored = (await deps.store.images.list()).some((i) => i.manifest.digest === stored)
  const name = `${reference.registry}/${reference.repository}@${pushed}`
  if (isStored) await deps.store.images.noteRepoDigest(stored, name)
}
