/** `wherry base host`: an image from the machine's own programs, made without registry, package manager or rights. */
import { rm, writeFile } from 'node:fs/promises'
import { fromText } from '../core/bytepath.ts'
import type { Digest } from '../core/digest.ts'
import { type Scope, throwIfCancelled } from '../core/scope.ts'
import { type ImageConfig, appendHistory, emptyConfig, withField, withRuntime } from '../oci/config.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Image, configDocument, manifestDocument } from '../oci/image.ts'
import { mediaTypes } from '../oci/media-types.ts'
import { hostPlatform } from '../oci/platform.ts'
import type { Store } from '../store/contract.ts'
import type { HostItem } from './collect.ts'
import { hostTree, madeFilesText } from './host-tree.ts'

/** What is asked for. */
export interface HostBaseSpec {
  /** Programs and packages; none means a static busybox, else the usual utilities. */
  readonly names: readonly string[]
  /** Full references for the image. */
  readonly tags: readonly string[]
  /** Seconds since 1970, for everything that has no time of its own; 0 if undefined, so that the image is the same tomorrow. */
  readonly sourceDateEpoch?: number
  /** The system to take from; default '/'. */
  readonly root?: string
}

/** Writes items as an uncompressed layer tar at `tarPath` and its contents list at `contentsPath`. */
export type SealItems = (
  items: readonly HostItem[],
  to: { readonly tarPath: string; readonly contentsPath: string },
  scope: Scope,
) => Promise<{ readonly diffId: Digest; readonly size: number }>

/** The image made. */
export interface HostBaseResult {
  readonly id: Digest
  readonly manifest: Descriptor
  /** Number of files, folders and links. */
  readonly entries: number
  /** Bytes of the layer's tar. */
  readonly size: number
}

const searchPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * Collects, seals and stores the image; the same machine gives the same image. Nothing of the machine is run.
 * @throws WherryError `usage` for an unknown name, `io` for a file that is missing or may not be read, `cancelled`
 */
export async function makeHostBase(
  spec: HostBaseSpec,
  deps: { readonly store: Store; readonly seal: SealItems },
  scope: Scope,
): Promise<HostBaseResult> {
  const { store } = deps
  const seconds = spec.sourceDateEpoch ?? 0
  const lease = await store.lease()
  const paths = {
    made: store.tempPath('base-files'),
    tar: store.tempPath('base-layer'),
    contents: store.tempPath('base-contents'),
  }
  try {
    await writeFile(paths.made, madeFilesText())
    const time = BigInt(seconds) * 1_000_000_000n
    const items = hostTree({ root: spec.root ?? '/', names: spec.names, time, madeFilesAt: fromText(paths.made) })
    throwIfCancelled(scope)
    const sealed = await deps.seal(items, { tarPath: paths.tar, contentsPath: paths.contents }, scope)
    const blob: Descriptor = { mediaType: mediaTypes.ociLayer, digest: sealed.diffId, size: sealed.size }
    await lease.hold(sealed.diffId)
    await store.blobs.adopt(paths.tar, blob)
    await store.layers.note({ diffId: sealed.diffId, size: sealed.size, forms: [blob], fidelity: 'exact' })
    await store.layers.adoptContents(sealed.diffId, paths.contents)
    const config = hostConfig(spec, items, sealed.diffId)
    const image: Image = { config, layers: [{ blob, diffId: sealed.diffId }], annotations: {} }
    const documents = [configDocument(image), manifestDocument(image)]
    const [{ descriptor: configDescriptor }, { descriptor: manifest }] = documents as [
      (typeof documents)[0],
      (typeof documents)[0],
    ]
    await store.images.put({ id: configDescriptor.digest, manifest, documents }, spec.tags)
    scope.emit({ type: 'image', id: configDescriptor.digest, manifest: manifest.digest, tags: spec.tags })
    return { id: configDescriptor.digest, manifest, entries: items.length, size: sealed.size }
  } finally {
    for (const path of Object.values(paths)) await rm(path, { force: true })
    await lease.release()
  }
}

function hostConfig(spec: HostBaseSpec, items: readonly HostItem[], diffId: Digest): ImageConfig {
  const created = new Date((spec.sourceDateEpoch ?? 0) * 1000).toISOString()
  const hasShell = items.some((item) => item.entry.path === 'bin/sh' || item.entry.path === 'usr/bin/sh')
  const empty = withField(emptyConfig(hostPlatform()), 'created', created)
  const withPath = withRuntime(empty, 'Env', [searchPath])
  const runnable = hasShell ? withRuntime(withPath, 'Cmd', ['sh']) : withPath
  const command = ['wherry base host', ...spec.names].join(' ')
  return appendHistory(runnable, { created, created_by: command }, diffId)
}
