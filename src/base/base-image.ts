/** The last part of making any base image: its layer is sealed, its config written, and both are stored under its names. */
import { rm } from 'node:fs/promises'
import type { Digest } from '../core/digest.ts'
import { type Scope, throwIfCancelled } from '../core/scope.ts'
import type { SealItem } from '../layer/contract.ts'
import { appendHistory, emptyConfig, withField, withRuntime } from '../oci/config.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Image, configDocument, manifestDocument } from '../oci/image.ts'
import { mediaTypes } from '../oci/media-types.ts'
import type { Platform } from '../oci/platform.ts'
import type { Store } from '../store/contract.ts'

/** Writes items as an uncompressed layer tar at `tarPath` and its contents list at `contentsPath`. */
export type SealItems = (
  items: readonly SealItem[],
  to: { readonly tarPath: string; readonly contentsPath: string; readonly clampMtime?: bigint },
  scope: Scope,
) => Promise<{ readonly diffId: Digest; readonly size: number }>

/** What the image says of itself. */
export interface BaseImageSpec {
  /** Full references. */
  readonly tags: readonly string[]
  readonly platform: Platform
  readonly created: Date
  /** For its history. */
  readonly command: string
  /** CMD, if it can run anything. */
  readonly shell: string | undefined
  readonly fidelity: 'exact' | 'emulated'
  /** Later modification times are set to this, in nanoseconds since 1970. */
  readonly clampMtime?: bigint | undefined
}

/** The image made. */
export interface BaseImage {
  readonly id: Digest
  readonly manifest: Descriptor
  /** Number of files, folders and links. */
  readonly entries: number
  /** Bytes of the layer's tar. */
  readonly size: number
}

const searchPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * Seals the items as the only layer and stores the image.
 * @throws WherryError `io` for a file that cannot be read any more, `cancelled`
 */
export async function storeBaseImage(
  items: readonly SealItem[],
  spec: BaseImageSpec,
  {
    deps: { store, seal },
    scope,
  }: { readonly deps: { readonly store: Store; readonly seal: SealItems }; scope: Scope },
): Promise<BaseImage> {
  const lease = await store.lease()
  const paths = { tarPath: store.tempPath('base-layer'), contentsPath: store.tempPath('base-contents') }
  try {
    const { clampMtime, fidelity } = spec
    const sealed = await seal(items, { ...paths, ...(clampMtime === undefined ? {} : { clampMtime }) }, scope)
    throwIfCancelled(scope)
    const { diffId, size } = sealed
    const blob: Descriptor = { mediaType: mediaTypes.ociLayer, digest: diffId, size }
    await lease.hold(diffId)
    await store.blobs.adopt(paths.tarPath, blob)
    await store.layers.note({ diffId, size, forms: [blob], fidelity })
    await store.layers.adoptContents(diffId, paths.contentsPath)
    const image: Image = { config: configOf(spec, diffId), layers: [{ blob, diffId }], annotations: {} }
    const [config, manifest] = [configDocument(image), manifestDocument(image)]
    const id = config.descriptor.digest
    await store.images.put({ id, manifest: manifest.descriptor, documents: [config, manifest] }, spec.tags)
    scope.emit({ type: 'image', id, manifest: manifest.descriptor.digest, tags: spec.tags })
    return { id, manifest: manifest.descriptor, entries: items.length, size }
  } finally {
    for (const path of Object.values(paths)) await rm(path, { force: true })
    await lease.release()
  }
}

function configOf({ platform, created: date, command, shell }: BaseImageSpec, diffId: Digest): Image['config'] {
  const created = date.toISOString()
  const empty = withField(emptyConfig(platform), 'created', created)
  const withPath = withRuntime(empty, 'Env', [searchPath])
  const runnable = shell === undefined ? withPath : withRuntime(withPath, 'Cmd', [shell])
  return appendHistory(runnable, { created, created_by: command }, diffId)
}
