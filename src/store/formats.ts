/**
 * Everything about the store's files: folders, versions, permissions and the shape of records.
 * A version is part of a folder's name or stands in the record; what has another version, or cannot be read, is a miss.
 */
import { join } from 'node:path'
import { type Digest, hexOf, isDigest } from '../core/digest.ts'
import { type JsonObject, isJsonObject } from '../core/json.ts'
import { type Descriptor, parseDescriptor } from '../oci/descriptor.ts'
import { descriptorJson } from '../oci/image.ts'
import type { DownloadRecord, LayerRecord, StepRecord } from './contract.ts'

/** Folders below the store's root. */
export const folders = {
  /** An OCI image layout: oci-layout, index.json, blobs/sha256. */
  oci: 'oci-v1',
  /** `<aa>/<key>.json`: step records. */
  steps: 'steps-v1',
  /** `<aa>/<digest of a URL>.json`: download records; what was downloaded is a blob. */
  downloads: 'downloads-v1',
  /** `<aa>/<diffID>.json`: layer records; `<aa>/<diffID>.contents`: contents lists. */
  layers: 'layers-v1',
  /** `<aa>/<build>.note.gz`: what the steps of a build were made of; `<aa>/<selection>.list.gz`: the files of a selection. */
  explain: 'explain-v1',
  /** `<aa>/<image id>.json`: what the steps of a build made; see trail-format.ts. */
  trails: 'trails-v1',
  /** `<time>-<random>.json.gz`: events of the last builds, for reports; see build/record.ts. */
  builds: 'builds-v1',
  /** Stat caches of build contexts. */
  contexts: 'context-v1',
  /** `<driver>-<map>/`: root file systems, each named by the hexadecimal digits of its chainID. */
  snapshots: 'snapshots-v1',
  /** `<map>/`: cache mounts; see trees/inner/cache-folder.ts. */
  mounts: 'mounts-v1',
  /** `<driver>-<map>/`: `<id>.json` and beside it the tree `<id>/` of each working container; see containers.ts. */
  containers: 'containers-v1',
  /** `repositories/<name>/`: what the embedded registry serves; see registry-server/catalog.ts. */
  registry: 'registry-v1',
  /** What automatic builds keep: `builds/`, `logs/`, `refs.json`, `deliveries`; see autobuild/state.ts. */
  autobuild: 'autobuild-v1',
  /** `<aa>/<digest of a name>.json`: manifest lists that are being put together. */
  drafts: 'manifests-v1',
  tmp: 'tmp',
  locks: 'locks',
  leases: 'leases',
} as const

/** Versions inside records. */
export const versions = { step: 1, layer: 1, contents: 1, download: 1, draft: 1, trail: 1, container: 1 } as const

/** The first line of a lease; then one digest a line. */
export const leaseHeader = 'wherry-lease 1'

/** Permission bits of every file in the store that is not private. */
export const fileMode = 0o644

/**
 * Permission bits of the store's directories.
 *
 * For an ordinary caller the root is 0700: root of the caller's user namespace is the caller. When the caller is root, a RUN's
 * namespace has none of its ids, and directories on the way to what it is given can be passed but not listed (0711): who knows a
 * digest may read what it names. What is found by listing or by a guessable name (index, steps, leases) stays private.
 */
export function directoryModes(callerIsRoot: boolean): Readonly<Record<'root' | 'passable' | 'private', number>> {
  return { root: callerIsRoot ? 0o711 : 0o700, passable: callerIsRoot ? 0o711 : 0o755, private: 0o700 }
}

/** Annotation keys of an entry in the layout's index.json. */
export const annotationKeys = {
  name: 'org.opencontainers.image.ref.name',
  /** Config digest: the image id. */
  id: 'dev.wherry.image.id',
  storedAt: 'dev.wherry.image.stored-at',
  /** Space-separated `registry/repository@digest`. */
  repoDigests: 'dev.wherry.image.repo-digests',
  /** `true`: it came with this manifest, and leaves with it. */
  exact: 'dev.wherry.image.exact',
} as const

/** The bytes of `oci-layout`. OCI image-spec image-layout.md. */
export const ociLayoutFile = '{"imageLayoutVersion":"1.0.0"}'

/** Where a record with this digest as key lies: `<folder>/<aa>/<hex><extension>`. */
export function shardedPath(folder: string, key: Digest, extension: string): string {
  const hex = hexOf(key)
  return join(folder, hex.slice(0, 2), `${hex}${extension}`)
}

/** The text of a step record. */
export function formatStepRecord(record: StepRecord): string {
  return JSON.stringify({ version: versions.step, ...record })
}

/** Reads a step record; undefined if it is none of this version. */
export function parseStepRecord(text: string): StepRecord | undefined {
  const raw = parseVersioned(text, versions.step)
  if (!raw) return undefined
  const { diffId, over, fidelity, description, createdAt } = raw
  if (!isDigestOrNone(diffId) || !isDigestOrNone(over)) return undefined
  if (!isFidelity(fidelity) || typeof description !== 'string' || typeof createdAt !== 'string') return undefined
  return { ...(diffId && { diffId }), ...(over && { over }), fidelity, description, createdAt }
}

function isDigestOrNone(value: unknown): value is Digest | undefined {
  return value === undefined || (typeof value === 'string' && isDigest(value))
}

/** The text of a download record. */
export function formatDownloadRecord(record: DownloadRecord): string {
  return JSON.stringify({ version: versions.download, ...record })
}

/** Reads a download record; undefined if it is none of this version. */
export function parseDownloadRecord(text: string): DownloadRecord | undefined {
  const raw = parseVersioned(text, versions.download)
  if (!raw) return undefined
  const { digest, size, etag, lastModified, date } = raw
  if (typeof digest !== 'string' || !isDigest(digest) || typeof size !== 'number') return undefined
  const headers = Object.entries({ etag, lastModified, date }).filter(([, value]) => typeof value === 'string')
  return { digest, size, ...Object.fromEntries(headers) }
}

/** The text of a layer record. */
export function formatLayerRecord(record: LayerRecord): string {
  const { contents, ...facts } = record
  return JSON.stringify({
    version: versions.layer,
    ...facts,
    forms: record.forms.map(descriptorJson),
    ...(contents && { contents: descriptorJson(contents) }),
  })
}

/** Reads a layer record; undefined if it is none of this version. */
export function parseLayerRecord(text: string): LayerRecord | undefined {
  const raw = parseVersioned(text, versions.layer)
  if (!raw) return undefined
  const { diffId, size, forms, sources, fidelity } = raw
  if (typeof diffId !== 'string' || !isDigest(diffId) || !isFidelity(fidelity)) return undefined
  if (size !== undefined && typeof size !== 'number') return undefined
  if (!Array.isArray(forms) || !Array.isArray(sources)) return undefined
  const [contents] = raw['contents'] === undefined ? [] : readForm(raw['contents'])
  return {
    diffId,
    ...(size === undefined ? {} : { size }),
    forms: forms.flatMap(readForm),
    sources: sources.flatMap(readSource),
    ...(contents && { contents }),
    fidelity,
  }
}

function readForm(value: unknown): Descriptor[] {
  try {
    return [parseDescriptor(value, 'the layer record')]
  } catch {
    // A form that cannot be read is one form less to reuse.
    return []
  }
}

function readSource(value: unknown): LayerRecord['sources'] {
  if (!isJsonObject(value)) return []
  const { repository, digest } = value
  if (typeof repository !== 'string' || typeof digest !== 'string' || !isDigest(digest)) return []
  return [{ repository, digest }]
}

function isFidelity(value: unknown): value is LayerRecord['fidelity'] {
  return value === 'exact' || value === 'emulated'
}

function parseVersioned(text: string, version: number): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) && value['version'] === version ? value : undefined
  } catch {
    // Torn by a crash, or of another program: a miss either way.
    return undefined
  }
}
