/** `load`: images of an archive or an OCI layout into the store, with the manifests that they come with. */
import type { Digest } from '../core/digest.ts'
import { WherryError } from '../core/errors.ts'
import type { Scope } from '../core/scope.ts'
import { isIndexType } from '../oci/media-types.ts'
import { type Platform, hostPlatform } from '../oci/platform.ts'
import type { StoredImage } from '../store/contract.ts'
import { type ArchiveFile, type ArchiveOrigin, openArchive } from './archive-file.ts'
import { type DockerItem, archiveImages } from './copy/archive-images.ts'
import type { PlannedCopy } from './copy/contract.ts'
import { type LayoutFiles, type LayoutImage, filesOfFolder, foundInLayout, layoutImages } from './copy/layout-source.ts'
import { takeLegacyImage } from './copy/legacy.ts'
import { planCopy } from './copy/plan.ts'
import { type StoreTools, copyToStore } from './copy/store-place.ts'
import type { TransferDeps } from './deps.ts'
import { layoutPath } from './layout-files.ts'

/** What to load. */
export interface LoadRequest {
  readonly from: ArchiveOrigin | { readonly folder: string }
  /** Of an index only the image for this platform; without it all that are there. */
  readonly platform?: Platform
}

/** An image that was loaded. */
export interface LoadedImage {
  readonly id: Digest
  /** Full references. */
  readonly names: readonly string[]
  /** Names that another image had until now, and its id. */
  readonly taken: readonly { readonly name: string; readonly id: Digest }[]
}

/**
 * Loads every image, one after the other, and tells of each when it has its names. What is broken off leaves whole images only.
 * @throws WherryError `io`, `archive-invalid`, `image-not-found`, `config-invalid`, `digest-mismatch`, `blob-missing`, `platform-mismatch`, `cancelled`
 */
export async function loadImages(
  request: LoadRequest,
  tools: { readonly deps: TransferDeps; readonly scope: Scope },
  onLoaded: (image: LoadedImage) => void,
): Promise<void> {
  const { store } = tools.deps
  await store.sweep()
  const lease = await store.lease()
  try {
    if ('folder' in request.from) await loadFolder(request.from.folder, request, tools, onLoaded)
    else await loadArchive(request.from, request, tools, onLoaded)
  } finally {
    await lease.release()
  }
}

async function loadFolder(
  folder: string,
  { platform }: LoadRequest,
  tools: StoreTools,
  onLoaded: (image: LoadedImage) => void,
): Promise<void> {
  const files = filesOfFolder(folder)
  const images = await layoutImages(files)
  if (images === undefined) {
    throw new WherryError('image-not-found', `${folder} is no OCI layout`, {
      hint: 'It must be a folder with index.json.',
    })
  }
  for (const image of images) onLoaded(await loadFrom(files, { image, platform }, tools))
}

async function loadArchive(
  origin: ArchiveOrigin,
  { platform }: LoadRequest,
  tools: StoreTools,
  onLoaded: (image: LoadedImage) => void,
): Promise<void> {
  const archive = await openArchive(origin, tools.deps.store, tools.scope)
  try {
    const found = await archiveImages(archive)
    if (found.kind === 'layout') {
      for (const image of found.images) onLoaded(await loadFrom(found.files, { image, platform }, tools))
      return
    }
    for (const item of found.items) onLoaded(await loadLegacy(item, archive, tools))
  } finally {
    await archive.close()
  }
}

/** An image that is there already, from a registry for instance, keeps the manifest that it has. */
async function loadLegacy(item: DockerItem, archive: ArchiveFile, tools: StoreTools): Promise<LoadedImage> {
  const { config, manifest } = await takeLegacyImage(item, archive, tools)
  const { digest: id } = config.descriptor
  const { images } = tools.deps.store
  const before = await images.list()
  const known = before.find((image) => image.id === id)
  const documents = known === undefined ? [config, manifest] : []
  await images.put({ id, manifest: known?.manifest ?? manifest.descriptor, documents }, item.names)
  return { id, names: item.names, taken: takenNames(before, item.names, id) }
}

async function loadFrom(
  files: LayoutFiles,
  { image, platform }: { readonly image: LayoutImage; readonly platform: Platform | undefined },
  tools: StoreTools,
): Promise<LoadedImage> {
  const planned = await planLoad(files, { image, platform }, tools.scope)
  const before = await tools.deps.store.images.list()
  const { id } = await copyToStore(planned, image.names, tools)
  return { id, names: image.names, taken: takenNames(before, image.names, id) }
}

/** Archives of docker may name platforms of which they have nothing: then the one for this machine is loaded. */
async function planLoad(
  files: LayoutFiles,
  { image, platform }: { readonly image: LayoutImage; readonly platform: Platform | undefined },
  scope: Scope,
): Promise<PlannedCopy> {
  const found = await foundInLayout(files, image)
  if (platform !== undefined || !isIndexType(image.descriptor.mediaType)) return planCopy(found, { platform, scope })
  try {
    const whole = await planCopy(found, { scope })
    const isThere = await Promise.all(whole.plan.blobs.map(({ digest }) => files.find(layoutPath(digest))))
    if (!isThere.includes(undefined)) return whole
  } catch (error) {
    if (!(error instanceof WherryError) || error.code !== 'blob-missing') throw error
  }
  return await planCopy(found, { platform: hostPlatform(), scope })
}

function takenNames(before: readonly StoredImage[], names: readonly string[], id: Digest): LoadedImage['taken'] {
  return names.flatMap((name) => {
    const old = before.find((image) => image.names.includes(name))
    return old === undefined || old.id === id ? [] : [{ name, id: old.id }]
  })
}
