/** Images and names, in the layout's index.json. Readers take no lock: the file is replaced whole. */
import { readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Digest } from '../core/digest.ts'
import { WherryError } from '../core/errors.ts'
import { ifStillThere } from '../core/if-there.ts'
import { isIndex, parseManifestOrIndex } from '../oci/image.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { replaceDurably } from '../host/durable.ts'
import type { BlobStore, ImageStore, StoredImage } from './contract.ts'
import {
  type IndexedImage,
  formatIndexFile,
  parseIndexFile,
  withImage,
  withoutImage,
  withoutName,
} from './index-file.ts'
import { withLock } from './lock.ts'
import { resolveImage } from './resolve.ts'

/** What the image store works with. */
export interface ImageStoreParts {
  /** The OCI layout's folder. */
  readonly layoutDir: string
  readonly locksDir: string
  /** Permission bits of index.json. */
  readonly indexMode: number
  readonly blobs: BlobStore
  readonly tempPath: (label: string) => string
}

type Edit = (images: readonly IndexedImage[]) => readonly IndexedImage[]

/** The image store of an OCI layout. */
export function openImageStore(parts: ImageStoreParts): ImageStore {
  const path = join(parts.layoutDir, 'index.json')

  const edit = async (change: Edit): Promise<void> => {
    // An edit that changes nothing (a rebuild of the same image) takes no lock and writes nothing.
    const before = await readIndex(path)
    if (before && formatIndexFile(change(before)) === formatIndexFile(before)) return
    await withLock(parts.locksDir, 'index', async (lock) => {
      const images = (await readIndex(path)) ?? (await setDamagedAside(path))
      const data = formatIndexFile(change(images))
      lock.assertHeld()
      await replaceDurably({ temp: parts.tempPath('index'), path, data, mode: parts.indexMode })
    })
  }

  const list = async (): Promise<StoredImage[]> => {
    const images = (await readIndex(path)) ?? []
    const stored = await Promise.all(images.map((image) => withId(image, parts.blobs)))
    return stored.filter((image) => image !== undefined)
  }

  return {
    list,
    async put({ id, manifest, isExact, documents }, names) {
      await Promise.all(documents.map((d) => parts.blobs.write(d.bytes, d.descriptor)))
      const storedAt = new Date().toISOString()
      await edit((images) => withImage(images, { id, manifest, isExact, names, repoDigests: [], storedAt }))
    },
    resolve: async (query) => resolveImage(await list(), query),
    tag: (manifest, name) =>
      edit((images) => withImage(images, { ...known(images, manifest), names: [name], repoDigests: [] })),
    untag: (name) => edit((images) => withoutName(knownName(images, name), name)),
    async remove(manifest, only) {
      let isGone = false
      await edit((images) => {
        const left = withoutImage(images, manifest, only)
        isGone = !left.some((i) => i.manifest.digest === manifest)
        return left
      })
      return isGone
    },
    noteRepoDigest: (manifest, repoDigest) =>
      edit((images) => withImage(images, { ...known(images, manifest), names: [], repoDigests: [repoDigest] })),
  }
}

async function readIndex(path: string): Promise<IndexedImage[] | undefined> {
  const text = await ifStillThere(readFile(path, 'utf8'))
  return text === undefined ? [] : parseIndexFile(text)
}

/** A damaged index names no images; it is kept beside for whoever wants to look. */
async function setDamagedAside(path: string): Promise<IndexedImage[]> {
  await rename(path, `${path}.damaged`)
  return []
}

/** The image with its id, read from its manifest if another tool made the entry; undefined if that cannot be read. */
async function withId(image: IndexedImage, blobs: BlobStore): Promise<StoredImage | undefined> {
  if (image.id !== undefined) return { ...image, id: image.id }
  try {
    return { ...image, id: await idOf(image.manifest, blobs) }
  } catch (error) {
    // An entry of another tool that wherry cannot read is no image of wherry's.
    if (error instanceof WherryError) return undefined
    throw error
  }
}

/** The config's digest; of an index its own. */
async function idOf(manifest: Descriptor, blobs: BlobStore): Promise<Digest> {
  const bytes = Buffer.concat(await blobs.read(manifest.digest).toArray())
  const document = parseManifestOrIndex(bytes, manifest.mediaType)
  return isIndex(document) ? manifest.digest : document.config.digest
}

function known(images: readonly IndexedImage[], manifest: Digest): IndexedImage {
  const image = images.find((i) => i.manifest.digest === manifest)
  if (image) return image
  throw new WherryError('image-not-found', `there is no image with the manifest ${manifest} in the store`)
}

function knownName(images: readonly IndexedImage[], name: string): readonly IndexedImage[] {
  if (images.some((i) => i.names.includes(name))) return images
  throw new WherryError('image-not-found', `there is no image "${name}" in the store`, {
    hint: '`wherry images` lists what there is.',
  })
}
