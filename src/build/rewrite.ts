/** Layers and configs with no time after SOURCE_DATE_EPOCH. What comes from the base stays as it is. */
import { type Digest, digestOf } from '../core/digest.ts'
import { canonicalJson, type Json } from '../core/json.ts'
import type { SealItem } from '../layer/contract.ts'
import { type HistoryEntry, type ImageConfig, historyOf, withField } from '../oci/config.ts'
import type { Entry } from '../oci/contents.ts'
import type { Image, Layer } from '../oci/image.ts'
import { layerTypeOf } from '../oci/media-types.ts'
import { isoSeconds } from '../plan/state.ts'
import type { Session } from './engine.ts'
import { inheritedFidelity, layerFiles, publishLayer } from './publish.ts'

/** BuildKit's name for the epoch to which a layer's times were set; it stands in the manifest. */
const rewrittenKey = 'buildkit/rewritten-timestamp'

/** The lowest layers and history entries that are the base's. */
export interface BasePart {
  readonly layers: number
  readonly history: number
}

/** The image with later modification times of the layers above the base set to the epoch (seconds). */
export async function rewriteTimes(
  image: Image,
  { epoch, base, session }: { readonly epoch: number; readonly base: BasePart; readonly session: Session },
): Promise<Image> {
  const layers: Layer[] = []
  for (const [i, layer] of image.layers.entries()) {
    layers.push(i < base.layers ? layer : await rewriteLayer(layer, epoch, session))
  }
  const diffIds = layers.map((l) => l.diffId)
  return { ...image, layers, config: withField(image.config, 'rootfs', { type: 'layers', diff_ids: diffIds }) }
}

async function rewriteLayer({ diffId, blob }: Layer, epoch: number, session: Session): Promise<Layer> {
  const annotations = { ...blob.annotations, [rewrittenKey]: String(epoch) }
  const clampMtime = BigInt(epoch) * 1_000_000_000n
  const entries = await session.layers.contents(diffId)
  if (entries.every((entry) => entry.mtime <= clampMtime)) return { diffId, blob: { ...blob, annotations } }
  const rewritten = await rewriteOnce(diffId, { entries, clampMtime, session })
  const size = await session.deps.store.blobs.sizeOf(rewritten)
  const plain = { mediaType: layerTypeOf('none'), digest: rewritten, size: size ?? 0 }
  return { diffId: rewritten, blob: { ...plain, annotations } }
}

interface Rewriting {
  readonly entries: readonly Entry[]
  readonly clampMtime: bigint
  readonly session: Session
}

/** Seals the layer again, unless that was done before. */
async function rewriteOnce(diffId: Digest, rewriting: Rewriting): Promise<Digest> {
  const { clampMtime, session } = rewriting
  const { store, pool } = session.deps
  const key = digestOf(canonicalJson({ kind: 'rewrite', diffId, latest: String(clampMtime) }))
  const known = (await store.steps.get(key))?.diffId
  if (known !== undefined && (await store.blobs.sizeOf(known)) !== undefined) {
    await session.hold(known)
    return known
  }
  const files = layerFiles(session)
  const items = await itemsOfLayer(diffId, rewriting.entries, session)
  const sealed = await pool.run('seal', { items, ...files, clampMtime }, session.scope)
  const fidelity = await inheritedFidelity(session, [diffId])
  const result = await publishLayer(session, sealed, { files, fidelity })
  await store.steps.put(key, { ...result, description: 'rewritten times' })
  return result.diffId
}

/** A layer's entries as they are, whiteouts and hard links included, with the places of their bytes. */
async function itemsOfLayer(diffId: Digest, entries: readonly Entry[], session: Session): Promise<SealItem[]> {
  const files = entries.filter((entry) => entry.type === 'file').map((entry) => entry.path)
  const locations = await session.layers.locate([diffId], files)
  return entries.map((entry) => {
    const source = entry.type === 'file' ? locations.get(entry.path) : undefined
    return source === undefined ? { entry } : { entry, source }
  })
}

/** The config with no time of its own after the epoch (seconds). */
export function clampConfig(config: ImageConfig, epoch: number, base: BasePart): ImageConfig {
  const latest = isoSeconds(epoch)
  const clamp = (time: string): string => (Date.parse(time) > epoch * 1000 ? latest : time)
  const history = historyOf(config).map((entry, i): HistoryEntry => {
    return i < base.history ? entry : { ...entry, created: clamp(entry.created ?? latest) }
  })
  const created = config.raw['created']
  const withHistory = withField(config, 'history', history as unknown as Json)
  return typeof created === 'string' ? withField(withHistory, 'created', clamp(created)) : withHistory
}
