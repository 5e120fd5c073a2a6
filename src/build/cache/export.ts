/** Writes results of steps to the caches that a build was told to fill: what they have already is not written again. */
import { readFile, stat } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Digest } from '../../core/digest.ts'
import { WherryError, isCancelled } from '../../core/errors.ts'
import { ifStillThere } from '../../core/if-there.ts'
import { mapLimit } from '../../core/schedule.ts'
import type { Scope } from '../../core/scope.ts'
import { type Document, documentOf } from '../../oci/image.ts'
import type { StepRecord, Store } from '../../store/contract.ts'
import type { CacheTarget } from '../contract.ts'
import { localFormOf } from '../../transfer/layer-access.ts'
import { type MountSource, exportMounts } from './export-mounts.ts'
import { type CacheWriter, knownRecord } from './place.ts'
import { type SharedLayer, contentsType, listKey, listRecord, recordDocument } from './record.ts'
import type { UsedRecord } from './shared-cache.ts'

const compress = promisify(gzip)

/** Records written at once. */
const parallelRecords = 6

/** Longer contents lists stay here; whoever needs them reads the layer. In bytes. */
const longestContents = 64 << 20

/** What an export works with. */
export interface CacheExport {
  readonly target: Omit<CacheTarget, 'at'>
  readonly place: CacheWriter
  readonly records: ReadonlyMap<Digest, UsedRecord>
  /** Layers of base images, whose contents lists go with the records. */
  readonly bases: readonly Digest[]
  readonly store: Store
  /** Where the cache mounts of the steps are. */
  readonly mounts: MountSource
}

/**
 * Exports records to one place, and says how many.
 * @throws WherryError the place's, unless the target says that failing is a warning
 */
export async function exportCache(request: CacheExport, scope: Scope): Promise<void> {
  const { target, place } = request
  try {
    await exportRecords(request, scope)
  } catch (error) {
    if (!target.ignoreError || isCancelled(error) || scope.signal.aborted) throw error
    const why = error instanceof Error ? error.message : String(error)
    scope.emit({ type: 'warning', message: `the cache ${place.label} is not written: ${why}` })
  }
}

async function exportRecords(request: CacheExport, scope: Scope): Promise<void> {
  const { target, place, records, store } = request
  const isWanted = ({ record }: UsedRecord): boolean => target.emulated || record.fidelity === 'exact'
  const wanted = [...records].filter(([, one]) => isWanted(one))
  const layers = new Map<Digest, Promise<SharedLayer>>()
  const layerOf = (diffId: Digest): Promise<SharedLayer> => {
    const made = layers.get(diffId) ?? putLayer(diffId, { target, place, store, scope })
    layers.set(diffId, made)
    return made
  }
  const written = await mapLimit(wanted, parallelRecords, async ([key, one]) => {
    if (one.from === place.label || (!one.isFresh && (await isKnown(key, one.record, { place, scope })))) return 0
    const { diffId } = one.record
    const layer = diffId === undefined ? {} : { layer: await layerOf(diffId) }
    await place.putRecord(key, recordDocument(key, { ...one.record, ...layer }), scope)
    return 1
  })
  await mapLimit(request.bases, parallelRecords, (diffId) => putList(diffId, { target, place, store, scope }))
  await exportMounts({ target, place, store, source: request.mounts, put: layerOf }, scope)
  await place.finish()
  const fresh = written.reduce<number>((sum, one) => sum + one, 0)
  const left = records.size - wanted.length
  const rest = left === 0 ? '' : `; ${left} that were made in single mode stay here (emulated=true exports them)`
  const text = `cache ${place.label}: ${wanted.length} records, ${fresh} of them new${rest}`
  scope.emit({ type: 'message', text })
}

/** True if the place has a record that is as good. */
async function isKnown(
  key: Digest,
  record: StepRecord,
  { place, scope }: { readonly place: CacheWriter; readonly scope: Scope },
): Promise<boolean> {
  const known = await knownRecord(key, place, scope)
  return known !== undefined && (known.fidelity === 'exact' || record.fidelity === 'emulated')
}

interface Putting extends Pick<CacheExport, 'target' | 'place' | 'store'> {
  readonly scope: Scope
}

async function putLayer(diffId: Digest, { target, place, store, scope }: Putting): Promise<SharedLayer> {
  const record = await store.layers.get(diffId)
  const form = (await localFormOf(diffId, { store })) ?? record?.forms[0]
  if (form === undefined) throw new WherryError('blob-missing', `layer ${diffId} is not in the store`)
  const blob = await place.putLayer({ diffId, blob: form }, target.packing, scope)
  const contents = await contentsDocument(diffId, store)
  if (contents !== undefined) await place.putBlob(contents, scope)
  return {
    blob,
    ...(record?.size !== undefined && { size: record.size }),
    ...(contents && { contents: contents.descriptor }),
  }
}

/** The contents list of a layer that others can get elsewhere. */
async function putList(diffId: Digest, { place, store, scope }: Putting): Promise<void> {
  const key = listKey(diffId)
  if ((await knownRecord(key, place, scope)) !== undefined) return
  const contents = await contentsDocument(diffId, store)
  if (contents === undefined) return
  await place.putBlob(contents, scope)
  await place.putRecord(key, recordDocument(key, listRecord(contents.descriptor)), scope)
}

async function contentsDocument(diffId: Digest, store: Store): Promise<Document | undefined> {
  const path = store.layers.contentsPathOf(diffId)
  const size = (await ifStillThere(stat(path)))?.size
  if (size === undefined || size > longestContents) return undefined
  return documentOf(contentsType, await compress(await readFile(path)))
}
