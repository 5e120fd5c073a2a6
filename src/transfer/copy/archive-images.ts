/** The images of an archive: an OCI layout, or the tar of `docker save` before Docker 25, which has manifest.json alone. */
import { WherryError } from '../../core/errors.ts'
import { isJsonObject, stringArray } from '../../core/json.ts'
import { isIndex, parseManifestOrIndex } from '../../oci/image.ts'
import { hexOf } from '../../core/digest.ts'
import type { ArchiveFile } from '../archive-file.ts'
import {
  type LayoutFiles,
  type LayoutImage,
  documentIn,
  filesOfArchive,
  fullName,
  layoutImages,
  smallFile,
} from './layout-source.ts'

/** An entry of manifest.json. */
export interface DockerItem {
  /** Names in the archive. */
  readonly config: string
  readonly layers: readonly string[]
  /** Full references. */
  readonly names: readonly string[]
}

/** What an archive holds. */
export type ArchiveImages =
  | { readonly kind: 'layout'; readonly files: LayoutFiles; readonly images: readonly LayoutImage[] }
  | { readonly kind: 'legacy'; readonly archive: ArchiveFile; readonly items: readonly DockerItem[] }

/**
 * Finds the images of an archive. Where there is a layout it counts: its manifests are what was pushed or pulled.
 * @throws WherryError `image-not-found` if it holds none, `archive-unsupported` for archives of before 2016, `json-invalid`, `config-invalid`
 */
export async function archiveImages(archive: ArchiveFile): Promise<ArchiveImages> {
  const files = filesOfArchive(archive)
  const items = await dockerItems(files)
  const images = archive.find('oci-layout') === undefined ? undefined : await layoutImages(files)
  if (images !== undefined && images.length > 0) {
    return { kind: 'layout', files, images: await Promise.all(images.map((image) => named(image, items ?? [], files))) }
  }
  if (items !== undefined && items.length > 0) return { kind: 'legacy', archive, items }
  if (archive.find('repositories') !== undefined && items === undefined) {
    throw new WherryError('archive-unsupported', `${archive.label} is an archive of a docker older than 1.10`, {
      hint: 'Load it into such a docker and push it from there, or save it again with a newer one.',
    })
  }
  throw new WherryError('image-not-found', `${archive.label} holds no image`, {
    hint: '`wherry load` takes what `save` wrote; `wherry import` makes an image from the tar of a file system.',
  })
}

async function dockerItems(files: LayoutFiles): Promise<DockerItem[] | undefined> {
  const bytes = await smallFile(files, 'manifest.json')
  if (bytes === undefined) return undefined
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw new WherryError('json-invalid', `manifest.json in ${files.label} is not valid JSON`, { cause })
  }
  if (!Array.isArray(value)) throw new WherryError('config-invalid', `manifest.json in ${files.label} is no list`)
  return value.map((item: unknown) => {
    const { Config: config, Layers: layers, RepoTags: tags } = isJsonObject(item) ? item : {}
    const paths = stringArray(layers ?? [])
    if (typeof config === 'string' && paths !== undefined) {
      return { config, layers: paths, names: (stringArray(tags) ?? []).map(fullName).filter((n) => n !== undefined) }
    }
    throw new WherryError('config-invalid', `manifest.json in ${files.label} has an image without config or layers`)
  })
}

/** An image of the layout with the names that only manifest.json has for it. */
async function named(image: LayoutImage, items: readonly DockerItem[], files: LayoutFiles): Promise<LayoutImage> {
  if (image.names.length > 0 || items.length === 0) return image
  const document = await documentIn(files, image.descriptor)
  const parsed = parseManifestOrIndex(document.bytes, image.descriptor.mediaType)
  if (isIndex(parsed)) return image
  const item = items.find(({ config }) => config.includes(hexOf(parsed.config.digest)))
  return item === undefined ? image : { ...image, names: item.names }
}
