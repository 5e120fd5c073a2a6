/** `save`: images of the store as an archive or an OCI layout. */
import type { Platform } from '../oci/platform.ts'
import { familiarReference, parseReference } from '../oci/reference.ts'
import type { StoredImage } from '../store/contract.ts'
import { hexOf } from '../core/digest.ts'
import { writeArchive } from './copy/archive-sink.ts'
import type { PlannedCopy } from './copy/contract.ts'
import { copyToFolder } from './copy/folder-sink.ts'
import { planCopy } from './copy/plan.ts'
import { type StoreTools, foundInStore } from './copy/store-place.ts'
import { makeForm } from './compress.ts'
import { loadImage } from './documents.ts'
import { type Destination, writeOutput } from './output.ts'
import { logTransfer, transferAll } from './progress.ts'
import { tarOfBlobs } from './tar-of-blobs.ts'

/** Forms of an archive: `docker-legacy` is that of `docker save` before Docker 25, whose layers are not compressed. */
export const saveForms = ['docker-archive', 'docker-legacy', 'oci-archive', 'oci-dir'] as const
export type SaveForm = (typeof saveForms)[number]

/** An image to save, with the names that it is to have there. */
export interface SavedImage {
  readonly stored: StoredImage
  /** Full references. */
  readonly names: readonly string[]
}

/** What to save where. */
export interface SaveRequest extends Destination {
  readonly images: readonly SavedImage[]
  readonly form: SaveForm
  /** Of an index only the image for this platform. */
  readonly platform?: Platform
}

/**
 * Writes the images. An archive appears whole; the same images give the same bytes. Layers that are not here are fetched.
 * @throws WherryError `io`, `usage`, `platform-mismatch`, `blob-missing`, the errors of fetching, `cancelled`
 */
export async function saveImages(request: SaveRequest, tools: StoreTools): Promise<void> {
  const lease = await tools.deps.store.lease()
  try {
    if (request.form === 'docker-legacy') {
      await saveLegacy(request, tools)
      return
    }
    const images: PlannedCopy[] = []
    for (const { stored, names } of request.images) {
      const found = await foundInStore(stored, names, tools)
      images.push(await planCopy(found, { platform: request.platform, scope: tools.scope }))
    }
    if (request.form !== 'oci-dir') {
      const form = request.form === 'docker-archive' ? 'docker' : 'oci'
      await writeArchive({ ...request, images, form }, tools.scope)
      return
    }
    for (const image of images) {
      await copyToFolder(image, request.dest, { parallel: tools.deps.parallel, scope: tools.scope })
    }
  } finally {
    await lease.release()
  }
}

async function saveLegacy(request: SaveRequest, { deps, scope }: StoreTools): Promise<void> {
  const { dest, platform } = request
  await logTransfer({ id: `export ${dest}`, kind: 'export', subject: dest }, scope, async () => {
    const items = []
    for (const { stored, names } of request.images) {
      const { image, config } = await loadImage(stored, deps.store, platform)
      const plain = await transferAll(image.layers, { deps, scope }, ({ diffId }, inner) =>
        makeForm(diffId, { type: 'none' }, { deps, scope: inner }),
      )
      items.push({ config, layers: plain.map(({ digest }) => digest), names })
    }
    const configs = new Set(items.map(({ config }) => config.descriptor.digest))
    const blobs = [...configs, ...items.flatMap(({ layers }) => layers)]
    const nameOf = (digest: (typeof blobs)[number]): string =>
      configs.has(digest) ? `${hexOf(digest)}.json` : `${hexOf(digest)}/layer.tar`
    const manifest = items.map(({ config, layers, names }) => ({
      Config: nameOf(config.descriptor.digest),
      RepoTags: names.map((name) => familiarReference(parseReference(name))),
      Layers: layers.map(nameOf),
    }))
    const files = [['manifest.json', JSON.stringify(manifest)]] as const
    await writeOutput(tarOfBlobs({ blobs, nameOf, files }, deps.store), request, scope)
    return { outcome: 'done', bytes: 0, value: undefined }
  })
}
