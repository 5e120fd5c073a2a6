/** Layers as data: their contents lists, merged trees, and where the bytes of a file are, fetching and reading only at need. */
import type { BytePath } from '../core/bytepath.ts'
import { type Digest, digestOf } from '../core/digest.ts'
import { WherryError } from '../core/errors.ts'
import type { Scope } from '../core/scope.ts'
import type { ContentsList } from '../oci/contents.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { chainIdOf } from '../oci/image.ts'
import { compressionOf } from '../oci/media-types.ts'
import { type MergedTree, mergeLayers } from '../oci/tree-merge.ts'
import { fetchLayer, formToCome, presentForm } from './fetch.ts'
import type { StackLayer } from '../trees/contract.ts'
import type { Pool } from '../trees/worker/pool.ts'
import type { TransferDeps } from './deps.ts'

/** What reads layers. */
export interface LayerDeps extends TransferDeps {
  readonly pool: Pool
}

/** Where the bytes of a regular file are: in a plain file on disk, from an offset. */
export interface ByteLocation {
  readonly path: BytePath
  readonly offset: number
}

/** Reads layers at one time; what was read once is remembered. */
export interface LayerAccess {
  /** The contents list of a layer; the layer is fetched and read if nobody ever did. */
  contents(diffId: Digest): Promise<ContentsList>
  /** The merged tree of a stack, lowest first. */
  tree(diffIds: readonly Digest[]): Promise<MergedTree>
  /** Where the bytes of regular files of a merged tree are. */
  locate(diffIds: readonly Digest[], paths: readonly BytePath[]): Promise<ReadonlyMap<BytePath, ByteLocation>>
  /** A stack as trees/ wants it. */
  stack(diffIds: readonly Digest[]): Promise<StackLayer[]>
  /** As `stack`, whose absent blobs are being fetched, or will be. */
  arrivingStack(diffIds: readonly Digest[]): Promise<StackLayer[]>
  /** The local blob of a layer, the plain form if there is one; fetched if there is none. */
  localForm(diffId: Digest): Promise<Descriptor>
}

/** Layer access over a store. */
export function createLayerAccess(deps: LayerDeps, scope: Scope): LayerAccess {
  const lists = new Map<Digest, Promise<ContentsList>>()
  const trees = new Map<Digest, Promise<MergedTree>>()
  const contents = (diffId: Digest): Promise<ContentsList> =>
    remember(lists, diffId, () => readContents(diffId, deps, scope))
  const tree = (diffIds: readonly Digest[]): Promise<MergedTree> =>
    remember(trees, digestOf(diffIds.join(' ')), async () => mergeLayers(await Promise.all(diffIds.map(contents))))
  return {
    contents,
    tree,
    locate: async (diffIds, paths) => locate({ diffIds, tree: await tree(diffIds), deps, scope }, paths),
    stack: (diffIds) => Promise.all(diffIds.map((_, i) => stackLayer(diffIds.slice(0, i + 1), deps))),
    arrivingStack: (diffIds) => Promise.all(diffIds.map((_, i) => arrivingLayer(diffIds.slice(0, i + 1), deps))),
    localForm: (diffId) => localForm(diffId, deps, scope),
  }
}

function remember<T>(known: Map<Digest, Promise<T>>, key: Digest, make: () => Promise<T>): Promise<T> {
  const made = known.get(key) ?? make()
  known.set(key, made)
  return made
}

async function readContents(diffId: Digest, deps: LayerDeps, scope: Scope): Promise<ContentsList> {
  const { store, pool } = deps
  const known = await store.layers.contents(diffId)
  if (known !== undefined) return known
  const form = await localForm(diffId, deps, scope)
  const contentsPath = store.tempPath('contents')
  const { size } = await pool.run('index', { blobPath: store.blobs.pathOf(form.digest), diffId, contentsPath }, scope)
  await store.layers.adoptContents(diffId, contentsPath)
  await store.layers.note({ diffId, size })
  return (await store.layers.contents(diffId)) ?? missing(diffId)
}

function missing(diffId: Digest): never {
  throw new WherryError('store-corrupt', `the contents list of layer ${diffId} cannot be read`, {
    hint: 'Build with --no-cache, or prune the store.',
  })
}

/** The form of a layer whose blob is in the store, plain before compressed; undefined if there is none. */
export async function localFormOf(
  diffId: Digest,
  { store }: Pick<TransferDeps, 'store'>,
): Promise<Descriptor | undefined> {
  const record = await store.layers.get(diffId)
  return record === undefined ? undefined : presentForm(record, store)
}

function isCompressed(form: Descriptor): boolean {
  return compressionOf(form.mediaType) !== 'none'
}

async function localForm(diffId: Digest, deps: LayerDeps, scope: Scope): Promise<Descriptor> {
  return (await localFormOf(diffId, deps)) ?? (await fetchLayer(diffId, deps, scope))
}

async function stackLayer(diffIds: readonly Digest[], { store }: LayerDeps): Promise<StackLayer> {
  const diffId = diffIds.at(-1)!
  const form = await localFormOf(diffId, { store })
  return {
    diffId,
    chainId: chainIdOf(diffIds)!,
    blobPath: store.blobs.pathOf(form?.digest ?? diffId),
    contentsPath: store.layers.contentsPathOf(diffId),
  }
}

async function arrivingLayer(diffIds: readonly Digest[], deps: LayerDeps): Promise<StackLayer> {
  const { blobs } = deps.store
  const form = await formToCome(diffIds.at(-1)!, deps)
  const layer = await stackLayer(diffIds, deps)
  if (form === undefined) return layer
  const arriving = { path: blobs.arrivalPathOf(form.digest), size: form.size }
  return { ...layer, blobPath: blobs.pathOf(form.digest), arriving }
}

interface Located {
  readonly diffIds: readonly Digest[]
  readonly tree: MergedTree
  readonly deps: LayerDeps
  readonly scope: Scope
}

/** Plain layers are read in place; of compressed ones the wanted files are copied out, in one pass each. */
async function locate(from: Located, paths: readonly BytePath[]): Promise<Map<BytePath, ByteLocation>> {
  const byLayer = new Map<number, BytePath[]>()
  for (const path of paths) {
    const layer = from.tree.layerOf(path)
    if (layer === undefined || (from.tree.lookup(path)?.size ?? 0) === 0) continue
    byLayer.set(layer, [...(byLayer.get(layer) ?? []), path])
  }
  const found = new Map<BytePath, ByteLocation>()
  for (const [layer, wanted] of byLayer) {
    for (const [path, location] of await locateInLayer(from, from.diffIds[layer]!, wanted)) found.set(path, location)
  }
  return found
}

async function locateInLayer(
  from: Located,
  diffId: Digest,
  wanted: readonly BytePath[],
): Promise<[BytePath, ByteLocation][]> {
  const { store, pool } = from.deps
  const form = await localForm(diffId, from.deps, from.scope)
  const offsetOf = (path: BytePath): number => from.tree.lookup(path)?.offset ?? 0
  const blobPath = store.blobs.pathOf(form.digest)
  if (!isCompressed(form)) return wanted.map((path) => [path, { path: blobPath, offset: offsetOf(path) }])
  const spoolPath = store.tempPath('extract')
  const offsets = [...new Set(wanted.map(offsetOf))].sort((a, b) => a - b)
  const sizes = new Map(wanted.map((path) => [offsetOf(path), from.tree.lookup(path)?.size ?? 0]))
  const request = {
    blobPath,
    ranges: offsets.map((offset) => [offset, sizes.get(offset)!] as const),
    spoolPath,
    // The list came from a cache, and nobody has read the layer with it.
    ...((await store.layers.get(diffId))?.contents !== undefined && { diffId }),
  }
  const placed = await pool.run('extract', request, from.scope)
  return wanted.map((path) => [path, { path: spoolPath, offset: placed[offsets.indexOf(offsetOf(path))]! }])
}
