/** Images as immutable values, and their manifests. OCI image-spec manifest.md, image-index.md. */
import { type Digest, digestOf } from '../core/digest.ts'
import { WherryError } from '../core/errors.ts'
import { type JsonObject, parseJsonObject, stringRecord } from '../core/json.ts'
import { type ImageConfig, diffIdsOf } from './config.ts'
import { type Descriptor, parseDescriptor } from './descriptor.ts'
import { dockerLayerType, isIndexType, isManifestType, isSchema1Type, mediaTypes } from './media-types.ts'
import { platformJson } from './platform.ts'

/** A layer of an image: its blob in some compression, and the digest of its uncompressed tar. */
export interface Layer {
  readonly blob: Descriptor
  readonly diffId: Digest
}

/** A single-platform image. `layers` run from the base up and match the config's diffIDs. */
export interface Image {
  readonly config: ImageConfig
  readonly layers: readonly Layer[]
  readonly annotations: Readonly<Record<string, string>>
}

/** A parsed image manifest. `bytes` are exact: never serialise it again. */
export interface Manifest {
  readonly mediaType: string
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
  readonly annotations: Readonly<Record<string, string>>
  readonly bytes: Buffer
}

/** A parsed index or manifest list. `bytes` are exact. */
export interface Index {
  readonly mediaType: string
  readonly manifests: readonly Descriptor[]
  readonly annotations: Readonly<Record<string, string>>
  readonly bytes: Buffer
}

/** Bytes to store or push, with their descriptor. */
export interface Document {
  readonly descriptor: Descriptor
  readonly bytes: Buffer
}

/**
 * Parses a manifest or index; the media type is the document's own, else `mediaType` (Content-Type, or the descriptor's).
 * @throws WherryError `config-invalid` (unknown type, schema 1), `json-invalid`
 */
export function parseManifestOrIndex(bytes: Buffer, mediaType: string | undefined): Manifest | Index {
  const raw = parseJsonObject(bytes.toString('utf8'), 'the manifest')
  const own = typeof raw['mediaType'] === 'string' && raw['mediaType'] !== '' ? raw['mediaType'] : undefined
  const type = own ?? mediaType ?? guessType(raw)
  if (isSchema1Type(type) || raw['schemaVersion'] === 1) {
    throw new WherryError('config-invalid', 'the image has a Docker schema 1 manifest, which wherry does not read', {
      hint: 'Push it again with a docker of this decade, or copy it with `skopeo copy --format v2s2`.',
    })
  }
  const annotations = stringRecord(raw['annotations'])
  if (isIndexType(type) && Array.isArray(raw['manifests'])) {
    return {
      mediaType: type,
      manifests: raw['manifests'].map((m) => parseDescriptor(m, 'the index')),
      annotations,
      bytes,
    }
  }
  if (isManifestType(type) && Array.isArray(raw['layers'])) {
    const layers = raw['layers'].map((l) => parseDescriptor(l, 'the manifest'))
    return { mediaType: type, config: parseDescriptor(raw['config'], 'the manifest'), layers, annotations, bytes }
  }
  throw new WherryError('config-invalid', `"${type}" is not a manifest that wherry knows`)
}

function guessType(raw: JsonObject): string {
  return Array.isArray(raw['manifests']) ? mediaTypes.ociIndex : mediaTypes.ociManifest
}

/** True if the parsed document is an index. */
export function isIndex(document: Manifest | Index): document is Index {
  return 'manifests' in document
}

/** A document's bytes with its descriptor. */
export function documentOf(mediaType: string, bytes: Buffer): Document {
  return { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length }, bytes }
}

/** The config as a document; its digest is the image id. */
export function configDocument(image: Image, mediaType: string = mediaTypes.ociConfig): Document {
  return documentOf(mediaType, Buffer.from(JSON.stringify(image.config.raw)))
}

/**
 * The manifest of an image, in OCI's media types or in Docker's.
 * @throws WherryError `internal` if layers and config do not match
 */
export function manifestDocument(
  image: Image,
  { config, docker = false }: { readonly config?: Descriptor; readonly docker?: boolean } = {},
): Document {
  const diffIds = diffIdsOf(image.config)
  if (diffIds.length !== image.layers.length || image.layers.some((l, i) => l.diffId !== diffIds[i])) {
    throw new WherryError('internal', 'the layers of the image do not match its config')
  }
  const mediaType = docker ? mediaTypes.dockerManifest : mediaTypes.ociManifest
  const configType = docker ? mediaTypes.dockerConfig : mediaTypes.ociConfig
  const layers = image.layers.map(({ blob }) => (docker ? dockerDescriptor(blob) : blob))
  const manifest = {
    schemaVersion: 2,
    mediaType,
    config: descriptorJson(config ?? configDocument(image, configType).descriptor),
    layers: layers.map(descriptorJson),
    ...annotationsJson(image.annotations),
  }
  return documentOf(mediaType, Buffer.from(JSON.stringify(manifest)))
}

/** Docker's schema has no annotations on layers. */
function dockerDescriptor({ annotations: _none, ...blob }: Descriptor): Descriptor {
  return { ...blob, mediaType: dockerLayerType(blob.mediaType) }
}

/** An index of manifests, or Docker's manifest list. */
export function indexDocument(
  manifests: readonly Descriptor[],
  { annotations, docker }: { readonly annotations: Readonly<Record<string, string>>; readonly docker: boolean },
): Document {
  const mediaType = docker ? mediaTypes.dockerList : mediaTypes.ociIndex
  const index = {
    schemaVersion: 2,
    mediaType,
    manifests: manifests.map(descriptorJson),
    ...annotationsJson(annotations),
  }
  return documentOf(mediaType, Buffer.from(JSON.stringify(index)))
}

function annotationsJson(annotations: Readonly<Record<string, string>>): JsonObject {
  return Object.keys(annotations).length === 0 ? {} : { annotations }
}

/** A descriptor as it stands in JSON, fields in the usual order. */
export function descriptorJson(d: Descriptor): JsonObject {
  return {
    mediaType: d.mediaType,
    digest: d.digest,
    size: d.size,
    ...(d.annotations && { annotations: d.annotations }),
    ...(d.platform && { platform: platformJson(d.platform) }),
    ...(d.urls && { urls: d.urls }),
    ...(d.artifactType !== undefined && { artifactType: d.artifactType }),
  }
}

/** The chainID of a stack of layers (lowest first); undefined for none. OCI image-spec config.md, "Layer ChainID". */
export function chainIdOf(diffIds: readonly Digest[]): Digest | undefined {
  return diffIds.reduce<Digest | undefined>(
    (chain, diffId) => (chain === undefined ? diffId : digestOf(`${chain} ${diffId}`)),
    undefined,
  )
}

/** The chainIDs of every stack that begins at the bottom, the smallest first. */
export function chainIdsOf(diffIds: readonly Digest[]): Digest[] {
  return diffIds.flatMap((_, i) => chainIdOf(diffIds.slice(0, i + 1)) ?? [])
}
