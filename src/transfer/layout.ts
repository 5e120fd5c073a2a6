/** Images of an OCI layout on disk. OCI image-spec image-layout.md. */
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isDigest } from '../core/digest.ts'
import { WherryError, errnoOf } from '../core/errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Document, isIndex, parseManifestOrIndex } from '../oci/image.ts'
import { mediaTypes } from '../oci/media-types.ts'
import type { Platform } from '../oci/platform.ts'
import type { Store } from '../store/contract.ts'
import { type DocumentedImage, imageOf, manifestOf, readSmall } from './documents.ts'
import { layoutPath } from './layout-files.ts'
import { pickManifest } from './pick-platform.ts'
import { presentForm } from './fetch.ts'

/** Which image of which layout. */
export interface LayoutRequest {
  /** Absolute path of the folder. */
  readonly folder: string
  /** A tag (`org.opencontainers.image.ref.name`) or a digest of index.json; undefined if the layout has one image. */
  readonly selector?: string
  readonly platform: Platform
}

/** Indexes in indexes are followed this deep. */
const maxDepth = 4

/**
 * Puts an image of a layout into the store, without a name.
 * @throws WherryError `image-not-found`, `config-invalid`, `platform-mismatch`, `digest-mismatch`
 */
export async function importFromLayout(request: LayoutRequest, store: Store): Promise<DocumentedImage> {
  const index = await readIndex(request.folder)
  let document = await readBlob(request.folder, chosen(index, request))
  for (let depth = 0; depth < maxDepth; depth++) {
    const parsed = parseManifestOrIndex(document.bytes, document.descriptor.mediaType)
    if (!isIndex(parsed)) break
    document = await readBlob(request.folder, pickManifest(parsed, request.platform, request.folder))
  }
  const manifest = manifestOf(document)
  const image = imageOf(manifest, document, await readBlob(request.folder, manifest.config))
  for (const { diffId, blob } of image.image.layers) {
    await store.layers.note({ diffId, forms: [blob] })
    const record = await store.layers.get(diffId)
    if (record !== undefined && (await presentForm(record, store)) !== undefined) continue
    await store.blobs.write(createReadStream(join(request.folder, layoutPath(blob.digest))), blob)
  }
  const { config } = image
  await store.images.put(
    { id: config.descriptor.digest, manifest: document.descriptor, documents: [config, document] },
    [],
  )
  return image
}

async function readIndex(folder: string): Promise<readonly Descriptor[]> {
  try {
    const parsed = parseManifestOrIndex(await readFile(join(folder, 'index.json')), mediaTypes.ociIndex)
    if (isIndex(parsed)) return parsed.manifests
  } catch (cause) {
    if (errnoOf(cause) !== 'ENOENT' && errnoOf(cause) !== 'ENOTDIR') throw cause
  }
  throw new WherryError('image-not-found', `${folder} is no OCI layout`, {
    hint: 'It must be a folder with index.json, as `--output type=oci,tar=false,dest=FOLDER` writes it.',
  })
}

function chosen(all: readonly Descriptor[], { folder, selector }: LayoutRequest): Descriptor {
  const nameOf = ({ annotations = {} }: Descriptor): string | undefined =>
    annotations['org.opencontainers.image.ref.name']
  const fitting =
    selector === undefined
      ? all
      : all.filter((one) => (isDigest(selector) ? one.digest === selector : nameOf(one) === selector))
  if (fitting.length === 1 || (selector !== undefined && fitting.length > 0)) return fitting[0]!
  const names = all.flatMap((one) => nameOf(one) ?? one.digest).join(', ')
  const what = selector === undefined ? `holds ${all.length} images` : `has no image ${selector}`
  throw new WherryError('image-not-found', `the OCI layout ${folder} ${what}`, {
    hint: `Choose one with oci-layout://PATH:TAG or @DIGEST: ${names || 'there is none'}.`,
  })
}

async function readBlob(folder: string, descriptor: Descriptor): Promise<Document> {
  const path = join(folder, layoutPath(descriptor.digest))
  const { size } = await stat(path)
  const bytes = await readSmall(createReadStream(path), { ...descriptor, size })
  return { descriptor, bytes }
}
