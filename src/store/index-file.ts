/** The layout's index.json as entries, one per image and name, and edits of it; pure. OCI image-spec image-layout.md. */
import { type Digest, isDigest } from '../core/digest.ts'
import { type JsonObject, isJsonObject } from '../core/json.ts'
import { type Descriptor, parseDescriptor } from '../oci/descriptor.ts'
import { descriptorJson } from '../oci/image.ts'
import { mediaTypes } from '../oci/media-types.ts'
import { annotationKeys } from './formats.ts'

/** An image as the index tells it. `id` is missing if another tool wrote the entry. */
export interface IndexedImage {
  readonly manifest: Descriptor
  readonly id?: Digest
  readonly names: readonly string[]
  readonly repoDigests: readonly string[]
  readonly storedAt: string
  readonly isExact?: boolean
}

const own: readonly string[] = Object.values(annotationKeys)

/** The images of an index.json, oldest entry first; undefined if the text is no index. Entries that cannot be read are left out. */
export function parseIndexFile(text: string): IndexedImage[] | undefined {
  let raw: unknown
  try {
    raw = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isJsonObject(raw) || !Array.isArray(raw['manifests'])) return undefined
  const images = new Map<Digest, IndexedImage>()
  for (const value of raw['manifests'] as readonly unknown[]) {
    const entry = readEntry(value)
    if (entry) images.set(entry.manifest.digest, uniteEntries(images.get(entry.manifest.digest), entry))
  }
  return [...images.values()]
}

function readEntry(value: unknown): IndexedImage | undefined {
  try {
    const { annotations = {}, ...manifest } = parseDescriptor(value, 'the index of the store')
    const id = annotations[annotationKeys.id]
    const name = annotations[annotationKeys.name]
    const others = Object.entries(annotations).filter(([key]) => !own.includes(key))
    return {
      manifest: others.length === 0 ? manifest : { ...manifest, annotations: Object.fromEntries(others) },
      ...(id !== undefined && isDigest(id) ? { id } : {}),
      names: name === undefined ? [] : [name],
      repoDigests: (annotations[annotationKeys.repoDigests] ?? '').split(' ').filter((d) => d !== ''),
      storedAt: annotations[annotationKeys.storedAt] ?? '1970-01-01T00:00:00.000Z',
      ...(annotations[annotationKeys.exact] === 'true' ? { isExact: true } : {}),
    }
  } catch {
    // One bad entry must not hide the others.
    return undefined
  }
}

function uniteEntries(a: IndexedImage | undefined, b: IndexedImage): IndexedImage {
  if (!a) return b
  return {
    ...b,
    ...a,
    names: unique([...a.names, ...b.names]),
    repoDigests: unique([...a.repoDigests, ...b.repoDigests]),
  }
}

/** The text of index.json for these images. */
export function formatIndexFile(images: readonly IndexedImage[]): string {
  const manifests = images.flatMap((image) =>
    (image.names.length === 0 ? [undefined] : image.names).map((name) => entryJson(image, name)),
  )
  return JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }, null, 1)
}

function entryJson(image: IndexedImage, name: string | undefined): JsonObject {
  return descriptorJson({
    ...image.manifest,
    annotations: {
      ...image.manifest.annotations,
      ...(name === undefined ? {} : { [annotationKeys.name]: name }),
      ...(image.id === undefined ? {} : { [annotationKeys.id]: image.id }),
      [annotationKeys.storedAt]: image.storedAt,
      ...(image.isExact ? { [annotationKeys.exact]: 'true' } : {}),
      ...(image.repoDigests.length === 0 ? {} : { [annotationKeys.repoDigests]: image.repoDigests.join(' ') }),
    },
  })
}

/** With the image added (an image with this manifest keeps what it has), and `names` taken from whichever had them. */
export function withImage(images: readonly IndexedImage[], image: IndexedImage): IndexedImage[] {
  const old = images.find((i) => i.manifest.digest === image.manifest.digest)
  const merged: IndexedImage = old
    ? {
        ...old,
        ...(image.id === undefined ? {} : { id: image.id }),
        ...(image.isExact ? { isExact: true } : {}),
        names: unique([...old.names, ...image.names]),
        repoDigests: unique([...old.repoDigests, ...image.repoDigests]),
      }
    : image
  const others = images.map((i) => (i === old ? merged : withoutNames(i, image.names)))
  return old ? others : [...others, merged]
}

/** With a name removed from whichever image has it; the image stays. */
export function withoutName(images: readonly IndexedImage[], name: string): IndexedImage[] {
  return images.map((image) => withoutNames(image, [name]))
}

/** Without an image; with `only`, without these names and digest references of it, and without it if none is left. */
export function withoutImage(
  images: readonly IndexedImage[],
  manifest: Digest,
  only?: readonly string[],
): IndexedImage[] {
  const left = (references: readonly string[]): string[] =>
    only === undefined ? [] : references.filter((reference) => !only.includes(reference))
  return images.flatMap((image) => {
    if (image.manifest.digest !== manifest) return [image]
    const [names, repoDigests] = [left(image.names), left(image.repoDigests)]
    return names.length + repoDigests.length === 0 ? [] : [{ ...image, names, repoDigests }]
  })
}

function withoutNames(image: IndexedImage, names: readonly string[]): IndexedImage {
  return { ...image, names: image.names.filter((name) => !names.includes(name)) }
}

function unique(items: readonly string[]): string[] {
  return [...new Set(items)]
}
