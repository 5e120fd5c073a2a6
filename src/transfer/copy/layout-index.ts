/** The files beside the blobs of an OCI layout, made of what it holds; pure. */
import type { Digest } from '../../core/digest.ts'
import { WherryError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { type Index, type Manifest, descriptorJson, isIndex, parseManifestOrIndex } from '../../oci/image.ts'
import { mediaTypes } from '../../oci/media-types.ts'
import { hostPlatform } from '../../oci/platform.ts'
import { familiarReference, parseReference } from '../../oci/reference.ts'
import { layoutPath } from '../layout-files.ts'
import { pickManifest } from '../pick-platform.ts'
import type { CopyPlan } from './contract.ts'

/** An image of a layout, and what index.json calls it. */
export interface LayoutEntry {
  readonly plan: CopyPlan
  /** Full references. */
  readonly names: readonly string[]
  /** `org.opencontainers.image.ref.name` where it is not the tag of a name. */
  readonly ref?: string
}

/** The entries of index.json for an image: one for each of its names, or one without. */
export function indexEntries({ plan, names, ref }: LayoutEntry): Descriptor[] {
  const { annotations: _none, ...top } = plan.top.descriptor
  const named = names.map((name) => ({
    'io.containerd.image.name': name,
    'org.opencontainers.image.ref.name': ref ?? parseReference(name).tag ?? 'latest',
  }))
  if (named.length > 0) return named.map((annotations) => ({ ...top, annotations }))
  return [ref === undefined ? top : { ...top, annotations: { 'org.opencontainers.image.ref.name': ref } }]
}

/** The text of index.json. */
export function indexText(manifests: readonly Descriptor[]): string {
  return JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: manifests.map(descriptorJson) })
}

/** The text of `docker save`'s manifest.json: of an index it names the image for this machine. */
export function dockerManifestText(entries: readonly LayoutEntry[]): string {
  return JSON.stringify(entries.map(dockerItem))
}

function dockerItem({ plan, names }: LayoutEntry): JsonObject {
  const { config, layers } = imageForHere(plan)
  return {
    Config: layoutPath(config.digest),
    RepoTags: names.map((name) => familiarReference(parseReference(name))),
    Layers: layers.map(({ digest }) => layoutPath(digest)),
  }
}

function imageForHere({ top, documents, manifests }: CopyPlan): Manifest {
  const parsed = parseManifestOrIndex(top.bytes, top.descriptor.mediaType)
  if (!isIndex(parsed)) return parsed
  const wanted = digestForHere(parsed)
  const chosen = documents.find(({ descriptor }) => descriptor.digest === wanted)
  const manifest = manifests.find(({ bytes }) => bytes === chosen?.bytes) ?? manifests[0]
  if (manifest !== undefined) return manifest
  throw new WherryError('config-invalid', `the index ${top.descriptor.digest} names no image`)
}

function digestForHere(index: Index): Digest | undefined {
  try {
    return pickManifest(index, hostPlatform(), '').digest
  } catch {
    // Nothing for this machine: then whatever there is.
    return undefined
  }
}
