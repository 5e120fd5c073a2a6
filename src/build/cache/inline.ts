/** Inline caches: step records inside an image's config, so that the image itself serves as a cache for the steps of its layers. */
import { type Digest, isDigest } from '../../core/digest.ts'
import { type Json, isJsonObject, parseJsonObject } from '../../core/json.ts'
import { checkConfig, diffIdsOf, inlineCacheField, withField } from '../../oci/config.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Document, Image } from '../../oci/image.ts'
import { compressionOf, layerTypeOf } from '../../oci/media-types.ts'
import type { StepRecord } from '../../store/contract.ts'
import { type SharedRecord, checkTime } from './record.ts'

/** In the place of a layer's number: the record of an image that is metadata alone. */
const noLayer = -1

/** The image with the records of its own layers' steps, and of its metadata, in its config. */
export function withInlineRecords(image: Image, records: ReadonlyMap<Digest, StepRecord>): Image {
  const diffIds = diffIdsOf(image.config)
  const inline = [...records].flatMap(([key, record]): Json[] => {
    const { diffId, createdAt, fidelity, description } = record
    const layer = diffId === undefined ? noLayer : diffIds.indexOf(diffId)
    return diffId !== undefined && layer < 0 ? [] : [{ key, layer, createdAt, fidelity, description }]
  })
  return { ...image, config: withField(image.config, inlineCacheField, inline) }
}

/** The records in the configs of images. What cannot be read is none. */
export function inlineRecords(
  images: readonly { readonly config: Document; readonly layers: readonly Descriptor[] }[],
): ReadonlyMap<Digest, SharedRecord> {
  return new Map(images.flatMap(recordsOf))
}

function recordsOf({
  config,
  layers,
}: {
  readonly config: Document
  readonly layers: readonly Descriptor[]
}): [Digest, SharedRecord][] {
  try {
    const raw = parseJsonObject(config.bytes.toString('utf8'), 'the image config')
    const records: unknown = raw[inlineCacheField]
    if (!Array.isArray(records)) return []
    const diffIds = diffIdsOf(checkConfig(raw))
    return records.flatMap((record) => recordOf(record, diffIds, layers))
  } catch {
    // An image of another tool, or one that is no image: it has no records.
    return []
  }
}

function recordOf(value: unknown, diffIds: readonly Digest[], layers: readonly Descriptor[]): [Digest, SharedRecord][] {
  if (!isJsonObject(value)) return []
  const { key, layer, createdAt, fidelity, description } = value
  if (typeof key !== 'string' || !isDigest(key) || typeof layer !== 'number') return []
  if (typeof createdAt !== 'string' || typeof description !== 'string') return []
  if (fidelity !== 'exact' && fidelity !== 'emulated') return []
  checkTime(createdAt)
  const record = { createdAt, fidelity, description } as const
  if (layer === noLayer) return [[key, record]]
  const [diffId, blob] = [diffIds[layer], layers[layer]]
  if (diffId === undefined || blob === undefined) return []
  const form = { mediaType: layerTypeOf(compressionOf(blob.mediaType)), digest: blob.digest, size: blob.size }
  return [[key, { ...record, diffId, layer: { blob: form } }]]
}
