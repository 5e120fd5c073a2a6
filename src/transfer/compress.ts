/**
 * Layers in other compressions. Each form that was made or seen is remembered with the layer and used again, so that a second push
 * or export has the same manifest.
 */
import { Readable } from 'node:stream'
import { decompress } from '../archive/decompress.ts'
import { gzipParallel } from '../archive/gzip.ts'
import { zstdCompress } from '../archive/zstd-write.ts'
import type { Digest } from '../core/digest.ts'
import { type Limiter, limiter } from '../core/schedule.ts'
import { type Scope, throwIfCancelled } from '../core/scope.ts'
import { type Descriptor, compressionLevelKey } from '../oci/descriptor.ts'
import { type Compression, compressionOf, layerTypeOf } from '../oci/media-types.ts'
import type { LayerRecord } from '../store/contract.ts'
import type { TransferDeps } from './deps.ts'
import { fetchLayer } from './fetch.ts'

/** How layers shall be compressed. */
export interface Compressing {
  readonly type: Compression
  /** gzip: 0 to 9; zstd: 1 to 22. */
  readonly level?: number
}

/** One layer already keeps all cores busy while it is compressed; the second fills the gaps of the first one's reading. */
const compressors: Limiter = limiter(2)

/** The remembered form of a layer in this compression whose bytes are in the store or in a registry that had them. */
export async function knownForm(
  record: LayerRecord | undefined,
  wanted: Compressing,
  deps: TransferDeps,
): Promise<Descriptor | undefined> {
  const level = wanted.level === undefined ? undefined : String(wanted.level)
  for (const form of record?.forms ?? []) {
    const isWanted = compressionOf(form.mediaType) === wanted.type && form.annotations?.[compressionLevelKey] === level
    if (isWanted && (await isWithinReach(form, record!, deps))) return bare(form)
  }
  return undefined
}

/** Any compressed form of a layer that can be had. */
export async function anyPackedForm(
  record: LayerRecord | undefined,
  deps: TransferDeps,
): Promise<Descriptor | undefined> {
  for (const form of record?.forms ?? []) {
    if (compressionOf(form.mediaType) !== 'none' && (await isWithinReach(form, record!, deps))) return bare(form)
  }
  return undefined
}

function bare({ annotations: _ours, ...form }: Descriptor): Descriptor {
  return form
}

async function isWithinReach(form: Descriptor, record: LayerRecord, { store }: TransferDeps): Promise<boolean> {
  if (record.sources.some((source) => source.digest === form.digest)) return true
  return (await store.blobs.sizeOf(form.digest)) === form.size
}

/**
 * Makes a form of a layer and notes it; the layer is fetched if the store has no bytes of it.
 * @throws WherryError `blob-missing`, `host-unsupported` where zstd cannot be written, the errors of fetching
 */
export async function makeForm(
  diffId: Digest,
  wanted: Compressing,
  { deps, scope }: { readonly deps: TransferDeps; readonly scope: Scope },
): Promise<Descriptor> {
  const { store } = deps
  const plain = await plainForm(diffId, deps, scope)
  if (wanted.type === 'none') return plain
  return await compressors(async () => {
    throwIfCancelled(scope)
    const source = store.blobs.read(diffId) as AsyncIterable<Buffer>
    const packed =
      wanted.type === 'zstd' ? zstdCompress(source, wanted.level) : gzipParallel(source, { level: wanted.level ?? 6 })
    const { digest, size } = await store.blobs.write(Readable.from(packed, { objectMode: false, signal: scope.signal }))
    const form = { mediaType: layerTypeOf(wanted.type), digest, size }
    const level = wanted.level === undefined ? {} : { annotations: { [compressionLevelKey]: String(wanted.level) } }
    await store.layers.note({ diffId, forms: [{ ...form, ...level }] })
    return form
  })
}

/** Makes the uncompressed form of a layer present. */
async function plainForm(diffId: Digest, deps: TransferDeps, scope: Scope): Promise<Descriptor> {
  const { store } = deps
  const form = (size: number): Descriptor => ({ mediaType: layerTypeOf('none'), digest: diffId, size })
  const present = await store.blobs.sizeOf(diffId)
  if (present !== undefined) return form(present)
  const fetched = await fetchLayer(diffId, deps, scope)
  if (compressionOf(fetched.mediaType) === 'none') return fetched
  const bytes = decompress(store.blobs.read(fetched.digest), compressionOf(fetched.mediaType))
  const { size } = await store.blobs.write(Readable.from(bytes, { objectMode: false, signal: scope.signal }), {
    digest: diffId,
  })
  await store.layers.note({ diffId, size, forms: [form(size)] })
  return form(size)
}
