/** A container becomes an image: its changes as one more layer, and its config. */
import type { Digest } from '../core/digest.ts'
import type { Scope } from '../core/scope.ts'
import type { SealedLayer } from '../layer/contract.ts'
import {
  type HistoryEntry,
  type ImageConfig,
  appendHistory,
  diffIdsOf,
  historyOf,
  platformOf,
  runtimeOf,
  withField,
} from '../oci/config.ts'
import { type Image, type Layer, configDocument, manifestDocument } from '../oci/image.ts'
import { layerTypeOf } from '../oci/media-types.ts'
import { applyChanges } from '../plan/changes.ts'
import type { ContainerRecord, Lease } from '../store/contract.ts'
import { withTree } from './access.ts'
import type { ContainerDeps } from './deps.ts'

/** What the image is to be. */
export interface CommitRequest {
  /** Full references. */
  readonly names: readonly string[]
  readonly author?: string
  readonly message?: string
  /** Instructions that change the config. */
  readonly changes: readonly string[]
  /** One layer of all, instead of one more. */
  readonly squash: boolean
  /** The container's processes are stopped meanwhile. */
  readonly pause: boolean
}

interface Committing {
  readonly deps: ContainerDeps
  readonly scope: Scope
  readonly lease: Lease
}

/**
 * Stores the image and gives its id. The container goes on as it was.
 * @throws WherryError `usage` for changes that are none, `io` if files change while they are read and nothing is paused
 */
export async function commitContainer(
  record: ContainerRecord,
  request: CommitRequest,
  { deps, scope }: { readonly deps: ContainerDeps; readonly scope: Scope },
): Promise<Digest> {
  const changed = await applyChanges({ raw: record.config }, request.changes, platformOf({ raw: record.config }))
  const lease = await deps.store.lease()
  try {
    const committing = { deps, scope, lease }
    const layer = await sealed(record, request, committing)
    const image = imageOf(record, request, { config: changed, layer })
    const [config, manifest] = [configDocument(image), manifestDocument(image)]
    await lease.hold(config.descriptor.digest, manifest.descriptor.digest)
    const id = config.descriptor.digest
    const documents = [config, manifest]
    await deps.store.images.put({ id, manifest: manifest.descriptor, documents }, request.names)
    return id
  } finally {
    await lease.release()
  }
}

/** The layer in the store; undefined if it has nothing in it. */
async function sealed(
  record: ContainerRecord,
  { squash, pause }: CommitRequest,
  committing: Committing,
): Promise<Layer | undefined> {
  const { store } = committing.deps
  const files = { tarPath: store.tempPath('layer.tar'), contentsPath: store.tempPath('layer.contents') }
  const what = squash ? 'all' : 'changes'
  const layer = await withTree(record, committing, ({ containers, tree }) =>
    containers.seal(tree, { what, pause, ...files }, committing.scope),
  )
  return layer.entries === 0 ? undefined : publish(record, { ...layer, ...files }, committing)
}

/** In the order that makes a crash harmless: the blob first, then what refers to it. */
async function publish(
  record: ContainerRecord,
  { diffId, size, tarPath, contentsPath }: SealedLayer & { readonly tarPath: string; readonly contentsPath: string },
  { deps, lease }: Committing,
): Promise<Layer> {
  const { store } = deps
  await lease.hold(diffId)
  await store.blobs.adopt(tarPath, { digest: diffId, size })
  await store.layers.adoptContents(diffId, contentsPath)
  const blob = { mediaType: layerTypeOf('none'), digest: diffId, size }
  await store.layers.note({ diffId, size, forms: [blob], fidelity: await fidelityOf(record, deps) })
  return { diffId, blob }
}

async function fidelityOf(record: ContainerRecord, deps: ContainerDeps): Promise<'exact' | 'emulated'> {
  const below = await Promise.all(record.layers.map(({ diffId }) => deps.store.layers.get(diffId)))
  if (below.some((layer) => layer?.fidelity === 'emulated')) return 'emulated'
  return (await deps.treesAt(record.place)).fidelity
}

function imageOf(
  record: ContainerRecord,
  { squash, author: given, message }: CommitRequest,
  { config, layer }: { readonly config: ImageConfig; readonly layer: Layer | undefined },
): Image {
  const created = new Date().toISOString()
  const author = given ?? record.commit?.author
  const comment = message ?? record.commit?.comment
  const { cmd = [] } = runtimeOf({ raw: record.config })
  const entry: HistoryEntry = {
    created,
    created_by: record.commit?.createdBy ?? cmd.join(' '),
    ...(author !== undefined && { author }),
    ...(comment !== undefined && { comment }),
  }
  const base = squash ? withoutLayers(config) : config
  const dated = withField(appendHistory(base, entry, layer?.diffId), 'created', created)
  const layers = [...(squash ? [] : record.layers), ...(layer === undefined ? [] : [layer])]
  const image: Image = {
    config: author === undefined ? dated : withField(dated, 'author', author),
    layers,
    annotations: record.commit?.annotations ?? {},
  }
  // A squashed one without any file has no layer at all.
  return layers.length === diffIdsOf(image.config).length
    ? image
    : { ...image, config: withDiffIds(image.config, layers) }
}

/** What made the layers that are now one. */
function withoutLayers(config: ImageConfig): ImageConfig {
  const history = historyOf(config).map((entry) => ({ ...entry, empty_layer: true }))
  return withDiffIds(withField(config, 'history', history), [])
}

function withDiffIds(config: ImageConfig, layers: readonly Layer[]): ImageConfig {
  return withField(config, 'rootfs', { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) })
}
