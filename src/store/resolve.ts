/** Which image a user means: name, name@digest, id, prefix of an id, manifest digest; pure. */
import { type Digest, hexOf, isDigest } from '../core/digest.ts'
import { WherryError } from '../core/errors.ts'
import { type Reference, formatReference, parseReference } from '../oci/reference.ts'
import type { StoredImage } from './contract.ts'

/**
 * Finds the image that `query` means. A name wins over the prefix of an id, as in docker.
 * @throws WherryError `image-not-found`, also for a prefix of several images
 */
export function resolveImage(images: readonly StoredImage[], query: string): StoredImage {
  const found = byDigest(images, query) ?? byName(images, query) ?? byPrefix(images, query)
  if (found) return found
  throw new WherryError('image-not-found', `there is no image "${query}" in the store`, {
    hint: '`wherry images` lists what there is; `wherry pull` fetches an image.',
  })
}

function byDigest(images: readonly StoredImage[], query: string): StoredImage | undefined {
  const digest = /^[0-9a-f]{64}$/.test(query) ? `sha256:${query}` : query
  if (!isDigest(digest)) return undefined
  return newest(images.filter((i) => i.id === digest || i.manifest.digest === digest))
}

function byName(images: readonly StoredImage[], query: string): StoredImage | undefined {
  const exact = images.find((i) => i.names.includes(query))
  const reference = exact ? undefined : tryParse(query)
  if (!reference) return exact
  const { digest } = reference
  if (digest !== undefined) return newest(images.filter((i) => hasDigest(i, reference, digest)))
  const name = formatReference(reference)
  return images.find((i) => i.names.includes(name))
}

function tryParse(query: string): Reference | undefined {
  try {
    return parseReference(query)
  } catch {
    // Not a reference: it may still be the prefix of an id.
    return undefined
  }
}

function hasDigest(image: StoredImage, { registry, repository }: Reference, digest: Digest): boolean {
  if (image.repoDigests.includes(`${registry}/${repository}@${digest}`)) return true
  if (image.manifest.digest !== digest && image.id !== digest) return false
  const isNamedHere = (name: string): boolean => name.startsWith(`${registry}/${repository}:`)
  return image.names.some(isNamedHere) || image.repoDigests.some((d) => d.startsWith(`${registry}/${repository}@`))
}

function byPrefix(images: readonly StoredImage[], query: string): StoredImage | undefined {
  const prefix = query.startsWith('sha256:') ? query.slice('sha256:'.length) : query
  if (!/^[0-9a-f]{2,64}$/.test(prefix)) return undefined
  const starts = (digest: Digest): boolean => hexOf(digest).startsWith(prefix)
  const byId = images.filter((i) => starts(i.id))
  const found = byId.length > 0 ? byId : images.filter((i) => starts(i.manifest.digest))
  const ids = [...new Set(found.map((i) => i.id))]
  if (ids.length <= 1) return newest(found)
  throw new WherryError('image-not-found', `"${query}" is the beginning of ${ids.length} image ids`, {
    hint: `Give more digits: ${ids.map((id) => hexOf(id).slice(0, 16)).join(', ')}.`,
    details: { ids },
  })
}

function newest(images: readonly StoredImage[]): StoredImage | undefined {
  return images.reduce<StoredImage | undefined>((a, b) => (a && a.storedAt >= b.storedAt ? a : b), undefined)
}
