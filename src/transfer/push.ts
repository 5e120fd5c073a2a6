/** `push`: an image to a registry. What the registry has is not sent, nor even read. */
import { hexOf, type Digest } from '../core/digest.ts'
import { WherryError } from '../core/errors.ts'
import type { Scope } from '../core/scope.ts'
import { type Document, type Layer, configDocument, manifestDocument } from '../oci/image.ts'
import { isForeignLayerType } from '../oci/media-types.ts'
import { type Reference, familiarReference, formatReference } from '../oci/reference.ts'
import type { PushBlob } from '../registry/contract.ts'
import { Readable } from 'node:stream'
import type { TransferDeps } from './deps.ts'
import { parseRepository } from './fetch.ts'
import { type OutgoingImage, manifestFor, openForm, portableForm } from './portable.ts'
import { logTransfer, transferAll } from './progress.ts'

/** What to push where. */
export interface PushRequest extends OutgoingImage {
  /** With a tag. */
  readonly reference: Reference
}

/** What the registry has now. */
export interface PushResult {
  readonly digest: Digest
  readonly size: number
}

/**
 * Pushes an image under one name: layers, several at a time, each as soon as it is compressed, then config, then manifest.
 * Emits a transfer per blob and `pushed` at the end.
 * @throws WherryError `usage` (no tag), `blob-missing`, `registry`, `auth-failed`, `network`, `cancelled`
 */
export async function pushImage(request: PushRequest, deps: TransferDeps, scope: Scope): Promise<PushResult> {
  const { image, reference } = request
  if (reference.tag === undefined) {
    throw new WherryError('usage', `"${familiarReference(reference)}" has no tag to push to`)
  }
  const config = request.documents?.config ?? configDocument(image)
  const layers = await transferAll(image.layers, scope, async (layer, inner) => {
    const placed = { diffId: layer.diffId, blob: await portableForm(layer, deps, inner) }
    await pushLayer(placed, { reference, deps, scope: inner })
    return placed
  })
  await pushConfig(config, { reference, deps, scope })
  const manifest = manifestFor(request, config, layers)
  await deps.registry.pushManifest(reference, reference.tag, manifest, scope)
  const { digest } = manifest.descriptor
  await noteDigest(request, digest, deps)
  const size = manifest.descriptor.size + config.descriptor.size + layers.reduce((sum, l) => sum + l.blob.size, 0)
  scope.emit({ type: 'pushed', reference: familiarReference(reference), digest, size })
  return { digest, size }
}

interface Target {
  readonly reference: Reference
  readonly deps: TransferDeps
  readonly scope: Scope
}

async function pushLayer(layer: Layer, { reference, deps, scope }: Target): Promise<void> {
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

async function pushConfig({ descriptor, bytes }: Document, target: Target): Promise<void> {
  await pushBlob({ descriptor, mountFrom: [], open: () => Readable.from([bytes], { objectMode: false }) }, target)
}

async function pushBlob(blob: PushBlob, { reference, deps, scope }: Target): Promise<void> {
  const { digest, size } = blob.descriptor
  const transfer = {
    id: `push ${formatReference(reference)} ${digest}`,
    kind: 'push',
    subject: hexOf(digest).slice(0, 12),
    total: size,
  } as const
  await logTransfer(transfer, scope, async ({ at }) => {
    const how = await deps.registry.pushBlob(reference, { ...blob, onProgress: at }, scope)
    return { outcome: how === 'pushed' ? 'done' : how, bytes: how === 'pushed' ? size : 0, value: undefined }
  })
}

async function noteDigest(
  { image, documents, reference }: PushRequest,
  pushed: Digest,
  deps: TransferDeps,
): Promise<void> {
  const own = documents?.manifest.descriptor.digest ?? manifestDocument(image).descriptor.digest
  const stored = (await deps.store.images.list()).some((i) => i.manifest.digest === own)
  if (stored) await deps.store.images.noteRepoDigest(own, `${reference.registry}/${reference.repository}@${pushed}`)
}
