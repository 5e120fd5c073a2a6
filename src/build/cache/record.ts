/**
 * Shared step records: what a cache in a registry or folder holds for one step key, as an OCI manifest of its own, so that any
 * number of builds may write at once. Its blobs are the layer and the layer's contents list; readers need only the manifest.
 */
import { type Digest, digestOf, hexOf, isDigest } from '../../core/digest.ts'
import { WherryError } from '../../core/errors.ts'
import { canonicalJson } from '../../core/json.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import {
  type Document,
  type Manifest,
  descriptorJson,
  documentOf,
  isIndex,
  parseManifestOrIndex,
} from '../../oci/image.ts'
import { compressionOf, layerTypeOf, mediaTypes } from '../../oci/media-types.ts'
import type { StepRecord } from '../../store/contract.ts'
import type { MountForm } from '../steps/cache-id.ts'

/** A step record with what others need to use its layer. */
export interface SharedRecord extends StepRecord {
  /** Of the layer; undefined for a record without one. */
  readonly layer?: SharedLayer
  /** In a record without a layer: the gzipped contents list of a layer that is elsewhere. */
  readonly list?: Descriptor
}

/** A layer in a cache. */
export interface SharedLayer {
  readonly blob: Descriptor
  /** Bytes of the uncompressed tar, if known. */
  readonly size?: number
  /** The gzipped contents list, if it was exported. */
  readonly contents?: Descriptor
}

/** Media type of a gzipped contents list. */
export const contentsType = 'application/vnd.wherry.layer.contents.v1+gzip'

const artifactType = 'application/vnd.wherry.cache.step.v1'

/** The empty JSON object, which stands for what an artifact does not have. OCI image-spec manifest.md, "Guidance for an Empty Descriptor". */
export const emptyDocument: Document = documentOf('application/vnd.oci.empty.v1+json', Buffer.from('{}'))

const prefix = 'dev.wherry.cache.'
const keys = {
  key: `${prefix}key`,
  diffId: `${prefix}diff-id`,
  over: `${prefix}over`,
  size: `${prefix}size`,
  fidelity: `${prefix}fidelity`,
  description: `${prefix}description`,
  created: 'org.opencontainers.image.created',
} as const

/** Longest tag that registries take. OCI distribution-spec, "Pulling manifests". */
const longestTag = 128

/** The tag of a step key's record in the cache named `name`: caches of several names share a repository. */
export function recordTag(name: string, key: Digest): string {
  const tag = `${name}-${hexOf(key)}`
  return tag.length <= longestTag ? tag : `${hexOf(digestOf(name)).slice(0, 32)}-${hexOf(key)}`
}

/** The key of the record that has a layer's contents list. */
export function listKey(diffId: Digest): Digest {
  return digestOf(`contents list of ${diffId}`)
}

/** The key of the record that has the contents of a cache mount: caches that begin differently are different ones. */
export function mountKey({ id, mode, uid, gid }: MountForm): Digest {
  return digestOf(`cache mount ${canonicalJson({ id, mode, uid, gid })}`)
}

/** The record of a contents list that is in the cache as `list`. */
export function listRecord(list: Descriptor): SharedRecord {
  return { fidelity: 'exact', createdAt: '1970-01-01T00:00:00Z', description: 'contents list of a layer', list }
}

/** The manifest of a record. */
export function recordDocument(key: Digest, record: SharedRecord): Document {
  const { layer, list, diffId, over, fidelity, description, createdAt } = record
  const layers =
    layer === undefined ? [list ?? emptyDocument.descriptor] : [layer.blob, ...(layer.contents ? [layer.contents] : [])]
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    artifactType,
    config: descriptorJson(emptyDocument.descriptor),
    // Each says whose it is, so that a layer in the record of another step shows before it is fetched.
    layers: layers.map((descriptor) => descriptorJson({ ...descriptor, annotations: { [keys.key]: key } })),
    annotations: {
      [keys.key]: key,
      ...(diffId !== undefined && { [keys.diffId]: diffId }),
      ...(over !== undefined && { [keys.over]: over }),
      ...(layer?.size !== undefined && { [keys.size]: String(layer.size) }),
      [keys.fidelity]: fidelity,
      [keys.description]: description,
      [keys.created]: createdAt,
    },
  }
  return documentOf(mediaTypes.ociManifest, Buffer.from(JSON.stringify(manifest)))
}

/** True for the manifest of a record, whatever its key. */
export function isRecordDocument({ annotations }: Pick<Manifest, 'annotations'>): boolean {
  return keys.key in annotations
}

/**
 * Reads the manifest of a record.
 * @throws WherryError `config-invalid`, `json-invalid` if it is none, or is the record of another key
 */
export function readRecordDocument(key: Digest, document: Document): SharedRecord {
  const manifest = parseManifestOrIndex(document.bytes, document.descriptor.mediaType)
  const annotations: Readonly<Record<string, string | undefined>> = manifest.annotations
  if (isIndex(manifest) || annotations[keys.key] === undefined) throw bad('it is no step record')
  if (annotations[keys.key] !== key) throw bad('it is the record of another step')
  const { [keys.fidelity]: fidelity, [keys.created]: createdAt = '', [keys.diffId]: diffId } = annotations
  if (fidelity !== 'exact' && fidelity !== 'emulated') throw bad('its fidelity is unknown')
  checkTime(createdAt)
  const over = annotations[keys.over]
  if (over !== undefined && !isDigest(over)) throw bad('what it was made over is no digest')
  const description = annotations[keys.description] ?? ''
  const record = { fidelity, createdAt, description, ...(over !== undefined && { over }) } as const
  if (manifest.layers.some((layer) => layer.annotations?.[keys.key] !== key)) throw bad('its layer is of another step')
  const [blob, contents] = manifest.layers.map(({ annotations: _own, ...descriptor }) => descriptor)
  if (diffId === undefined) return blob?.mediaType === contentsType ? { ...record, list: blob } : record
  return { ...record, ...layerOf({ diffId, blob, contents, size: annotations[keys.size] }) }
}

/** A time in a record becomes part of images. @throws WherryError `config-invalid` if it is none of ISO 8601 */
export function checkTime(text: string): void {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(text)) throw bad('its time is none')
}

interface RawLayer {
  readonly diffId: string
  readonly blob: Descriptor | undefined
  readonly contents: Descriptor | undefined
  readonly size: string | undefined
}

function layerOf({ diffId, blob, contents, size }: RawLayer): Pick<SharedRecord, 'diffId' | 'layer'> {
  if (!isDigest(diffId)) throw bad('its diffID is none')
  if (blob === undefined || layerTypeOf(compressionOf(blob.mediaType)) !== blob.mediaType) throw bad('it has no layer')
  if (compressionOf(blob.mediaType) === 'none' && blob.digest !== diffId) throw bad('its layer is another one')
  return {
    diffId,
    layer: {
      blob,
      ...(size !== undefined && /^\d{1,15}$/.test(size) && { size: Number(size) }),
      ...(contents?.mediaType === contentsType && { contents }),
    },
  }
}

/** True for what is wrong with one record, not with the whole cache. */
export function isOfOneRecord(error: unknown): boolean {
  const codes: readonly string[] = ['config-invalid', 'json-invalid', 'digest-invalid', 'digest-mismatch']
  return error instanceof WherryError && codes.includes(error.code)
}

function bad(why: string): WherryError {
  return new WherryError('config-invalid', why)
}
