/** Images of an OCI layout, in a folder or in a tar. OCI image-spec image-layout.md. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { isDigest } from '../../core/digest.ts'
import { WherryError } from '../../core/errors.ts'
import { ifStillThere } from '../../core/if-there.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { type Document, isIndex, parseManifestOrIndex } from '../../oci/image.ts'
import { mediaTypes } from '../../oci/media-types.ts'
import { formatReference, parseReference } from '../../oci/reference.ts'
import type { ArchiveFile } from '../archive-file.ts'
import { readSmall } from '../documents.ts'
import { layoutPath } from '../layout-files.ts'
import { verified } from '../verified.ts'
import type { FoundImage, ImageSource } from './contract.ts'

/** A file of a layout. */
export interface LayoutFile {
  /** Bytes. */
  readonly size: number
  open(this: void): Readable
}

/** The files of a layout by name. */
export interface LayoutFiles {
  /** For messages. */
  readonly label: string
  find(this: void, name: string): Promise<LayoutFile | undefined>
}

/** The files of a layout in a folder. */
export function filesOfFolder(folder: string): LayoutFiles {
  return {
    label: folder,
    find: async (name) => {
      const path = join(folder, name)
      const found = await ifStillThere(stat(path))
      return found?.isFile() === true ? { size: found.size, open: () => createReadStream(path) } : undefined
    },
  }
}

/** The files of a layout in a tar. */
export function filesOfArchive(archive: ArchiveFile): LayoutFiles {
  return {
    label: archive.label,
    find: (name) => {
      const entry = archive.find(name)
      return Promise.resolve(entry && { size: entry.size, open: () => archive.read(entry) })
    },
  }
}

/** An image that index.json names. */
export interface LayoutImage {
  readonly descriptor: Descriptor
  /** `org.opencontainers.image.ref.name` as it stands; one for each entry. */
  readonly refs: readonly string[]
  /** Full references among its names. */
  readonly names: readonly string[]
}

/** Larger lists of images are refused, in bytes. */
const indexLimit = 4 << 20

/**
 * A small file's bytes, or undefined if there is none.
 * @throws WherryError `config-invalid` if it is not small
 */
export async function smallFile(
  files: LayoutFiles,
  name: string,
  limit: number = indexLimit,
): Promise<Buffer | undefined> {
  const file = await files.find(name)
  if (file === undefined) return undefined
  if (file.size > limit) {
    throw new WherryError('config-invalid', `${name} in ${files.label} has ${file.size} bytes, more than ${limit}`)
  }
  return Buffer.concat((await file.open().toArray()) as Buffer[])
}

/**
 * The images of a layout, in the order of index.json; undefined if there is no layout.
 * @throws WherryError `config-invalid`, `json-invalid`, `digest-invalid`
 */
export async function layoutImages(files: LayoutFiles): Promise<LayoutImage[] | undefined> {
  const bytes = await smallFile(files, 'index.json')
  if (bytes === undefined) return undefined
  const parsed = parseManifestOrIndex(bytes, mediaTypes.ociIndex)
  if (!isIndex(parsed)) throw new WherryError('config-invalid', `index.json in ${files.label} is no index`)
  const images = new Map<string, LayoutImage>()
  for (const { annotations = {}, ...descriptor } of parsed.manifests) {
    const ref = annotations['org.opencontainers.image.ref.name']
    const before = images.get(descriptor.digest) ?? { descriptor, refs: [], names: [] }
    const name =
      fullName(annotations['io.containerd.image.name']) ?? (/[/:]/.test(ref ?? '') ? fullName(ref) : undefined)
    images.set(descriptor.digest, {
      descriptor,
      refs: [...before.refs, ...(ref === undefined ? [] : [ref])],
      names: [...new Set([...before.names, ...(name === undefined ? [] : [name])])],
    })
  }
  return [...images.values()]
}

/** The name in full; undefined for what is no name of an image. */
export function fullName(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  try {
    const reference = parseReference(text)
    return reference.digest === undefined ? formatReference(reference) : undefined
  } catch {
    // Other tools put any text there. An image without a name can be given one.
    return undefined
  }
}

/**
 * The image that a selector means: a ref.name, a full name, or a digest; without one the only image.
 * @throws WherryError `image-not-found`, naming what there is
 */
export function selectImage(images: readonly LayoutImage[], selector: string | undefined, label: string): LayoutImage {
  const name = fullName(selector)
  const isMeant = ({ descriptor, refs, names }: LayoutImage): boolean =>
    isDigest(selector ?? '') ? descriptor.digest === selector : refs.includes(selector!) || names.includes(name ?? '')
  const fitting = selector === undefined ? images : images.filter(isMeant)
  if (fitting.length === 1 || (selector !== undefined && fitting.length > 0)) return fitting[0]!
  const known = images.map(({ descriptor, refs, names }) => names[0] ?? refs[0] ?? `@${descriptor.digest}`)
  const what = selector === undefined ? `holds ${images.length} images` : `has no image ${selector}`
  throw new WherryError('image-not-found', `${label} ${what}`, {
    hint: known.length === 0 ? 'It is empty.' : `Add one of these after a colon: ${known.slice(0, 20).join(', ')}.`,
  })
}

/** An image of a layout, to be read. @throws WherryError `blob-missing`, `digest-mismatch`, `config-invalid` (too large) */
export async function foundInLayout(files: LayoutFiles, { descriptor, names }: LayoutImage): Promise<FoundImage> {
  return { source: layoutSource(files), top: await documentIn(files, descriptor), names }
}

function layoutSource(files: LayoutFiles): ImageSource {
  return {
    label: files.label,
    document: (descriptor) => documentIn(files, descriptor),
    open: async (descriptor) => verified((await blobIn(files, descriptor)).open(), descriptor, files.label),
  }
}

/** A document of a layout. @throws WherryError `blob-missing`, `digest-mismatch`, `config-invalid` (too large) */
export async function documentIn(files: LayoutFiles, descriptor: Descriptor): Promise<Document> {
  const file = await blobIn(files, descriptor)
  return { descriptor, bytes: await readSmall(verified(file.open(), descriptor, files.label), descriptor) }
}

async function blobIn(files: LayoutFiles, { digest }: Descriptor): Promise<LayoutFile> {
  const file = await files.find(layoutPath(digest))
  if (file !== undefined) return file
  throw new WherryError('blob-missing', `${files.label} has no blob ${digest}, which an image in it names`, {
    hint: 'It was written without all platforms, perhaps: choose one that is there with --platform.',
  })
}
