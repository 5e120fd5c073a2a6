/** A base image's manifest and config, from the store or a registry. Its layers stay where they are until a step must see them. */
import type { Digest } from '../core/digest.ts'
import { WherryError } from '../core/errors.ts'
import type { Scope } from '../core/scope.ts'
import { platformOf } from '../oci/config.ts'
import { type Document, type Image, isIndex, parseManifestOrIndex } from '../oci/image.ts'
import { type Platform, formatPlatform, samePlatform } from '../oci/platform.ts'
import { type Reference, familiarReference, formatReference, parseReference } from '../oci/reference.ts'
import type { StoredImage } from '../store/contract.ts'
import type { TransferDeps } from './deps.ts'
import { type DocumentedImage, imageOf, loadImage, manifestOf, readSmall } from './documents.ts'
import { acceptable, pickManifest } from './pick-platform.ts'

/** Indexes in indexes are followed this deep. */
const maxIndexDepth = 3

/** What base is wanted. */
export interface BaseRequest {
  /** As in FROM: a reference, or the id of an image in the store. */
  readonly name: string
  readonly platform: Platform
  /** `missing`: an image in the store is taken without asking a registry. `always`: the registry says what the name means. */
  readonly policy: 'missing' | 'always' | 'never'
  /** The caller tells of an image for another platform. */
  readonly isPlatformChecked?: true
  /** Someone asked for this very platform: an image for another one is an error, not a warning. */
  readonly isPlatformAsked?: boolean
}

/** A base image. */
export interface ResolvedBase {
  readonly image: Image
  /** Undefined if it was given by id. */
  readonly reference?: Reference
  /** Digest of its manifest in the store. */
  readonly manifest: Digest
  /** What the name means in its registry, if that was asked: the digest of an index, perhaps. */
  readonly digest?: Digest
}

/**
 * Resolves a base image and stores its documents under its name; where its layers are is noted in the store's layer index.
 * @throws WherryError `image-not-found`, `platform-mismatch`, `reference-invalid`, `registry`, `auth-failed`, `network`, `cancelled`
 */
export async function resolveBase(request: BaseRequest, deps: TransferDeps, scope: Scope): Promise<ResolvedBase> {
  const byId = await findById(request, deps)
  if (byId) return result(byId)
  const reference = parseReference(request.name)
  const found =
    request.policy === 'always' ? undefined : await findInStore(formatReference(reference), request.platform, deps)
  if (found && (found.fits || request.policy === 'never')) {
    if (!found.fits) warnOfPlatform(found.image, request, scope)
    return result(found, reference)
  }
  if (request.policy === 'never') {
    throw new WherryError('image-not-found', `there is no image "${familiarReference(reference)}" in the store`, {
      hint: 'Without --pull=never it would be looked up in its registry.',
    })
  }
  const remote = await resolveRemote({ request, reference }, deps, scope)
  return { ...result(remote, reference), digest: remote.digest }
}

/** The image of the store with this id, or whose id begins with these digits: at least the twelve that are shown to people. */
async function findById(
  { name, platform }: BaseRequest,
  { store }: TransferDeps,
): Promise<DocumentedImage | undefined> {
  if (!/^(sha256:)?[0-9a-f]{12,64}$/.test(name)) return undefined
  const isWhole = /[0-9a-f]{64}$/.test(name)
  const stored = isWhole ? await store.images.resolve(name) : await findStored(name, store.images)
  return stored && (await loadImage(stored, store, platform))
}

function result({ image, manifest }: DocumentedImage, reference?: Reference): ResolvedBase {
  return { image, manifest: manifest.descriptor.digest, ...(reference && { reference }) }
}

type Found = DocumentedImage & { readonly fits: boolean }

/** With the digest that the name has in its registry. */
type Remote = DocumentedImage & { readonly digest: Digest }

/**
 * The image of this name in the store, if its documents are whole, and whether it is for the platform. The name points to one image;
 * those that came out of the same index for other platforms are found through its digest.
 */
async function findInStore(name: string, platform: Platform, { store }: TransferDeps): Promise<Found | undefined> {
  const stored = await findStored(name, store.images)
  if (!stored) return undefined
  const named = await loadFound(stored, platform, store)
  if (named?.fits === true) return named
  for (const image of await store.images.list()) {
    if (image.manifest.digest === stored.manifest.digest) continue
    if (!image.repoDigests.some((digest) => stored.repoDigests.includes(digest))) continue
    const other = await loadFound(image, platform, store)
    if (other?.fits === true) return other
  }
  return named
}

async function loadFound(
  stored: StoredImage,
  platform: Platform,
  store: TransferDeps['store'],
): Promise<Found | undefined> {
  try {
    const loaded = await loadImage(stored, store, platform)
    return { ...loaded, fits: acceptable(platform).some((p) => samePlatform(p, platformOf(loaded.image.config))) }
  } catch (error) {
    // Documents that are missing or damaged are fetched again, as if the image were not there.
    if (error instanceof WherryError) return undefined
    throw error
  }
}

async function findStored(name: string, images: TransferDeps['store']['images']): Promise<StoredImage | undefined> {
  try {
    return await images.resolve(name)
  } catch (error) {
    if (error instanceof WherryError && error.code === 'image-not-found') return undefined
    throw error
  }
}

interface RemoteBase {
  readonly request: BaseRequest
  readonly reference: Reference
}

async function resolveRemote(base: RemoteBase, deps: TransferDeps, scope: Scope): Promise<Remote> {
  const { reference, request } = base
  const asked = reference.digest ?? reference.tag ?? 'latest'
  const known = await knownByDigest(base, deps, scope)
  if (known) return known
  const top = await deps.registry.manifest(reference, asked, scope)
  const manifest = await chooseManifest(base, { document: top, depth: 0 }, { deps, scope })
  const { config } = manifestOf(manifest)
  const bytes = await readSmall(await deps.registry.blob(reference, config, scope), config)
  const image = imageOf(manifestOf(manifest), manifest, { descriptor: config, bytes })
  const fits = acceptable(request.platform).some((p) => samePlatform(p, platformOf(image.image.config)))
  if (!fits && request.isPlatformAsked === true) throw otherPlatform(image.image, base)
  await remember(image, reference, deps)
  const digests = new Set([top.descriptor.digest, manifest.descriptor.digest])
  await noteDigests(image, reference, { digests, store: deps.store })
  if (!fits) warnOfPlatform(image.image, request, scope)
  scope.emit({ type: 'message', text: `${familiarReference(reference)} is ${top.descriptor.digest}` })
  return { ...image, digest: top.descriptor.digest }
}

/** With `always`: asks for the digest alone, which costs no pull, and takes the store's image if it is that one still. */
async function knownByDigest(
  { request, reference }: RemoteBase,
  deps: TransferDeps,
  scope: Scope,
): Promise<Remote | undefined> {
  if (request.policy !== 'always') return undefined
  const digest = reference.digest ?? (await deps.registry.resolve(reference, reference.tag ?? 'latest', scope))?.digest
  if (digest === undefined) return undefined
  const name = `${reference.registry}/${reference.repository}@${digest}`
  const found = await findInStore(name, request.platform, deps)
  if (!found?.fits) return undefined
  await remember(found, reference, deps)
  return { ...found, digest }
}

async function chooseManifest(
  base: RemoteBase,
  { document, depth }: { readonly document: Document; readonly depth: number },
  { deps, scope }: { readonly deps: TransferDeps; readonly scope: Scope },
): Promise<Document> {
  const parsed = parseManifestOrIndex(document.bytes, document.descriptor.mediaType)
  if (!isIndex(parsed)) return document
  const subject = familiarReference(base.reference)
  if (depth >= maxIndexDepth) throw new WherryError('config-invalid', `the indexes of ${subject} are nested too deeply`)
  const { digest } = pickManifest(parsed, base.request.platform, subject)
  const next = await deps.registry.manifest(base.reference, digest, scope)
  return await chooseManifest(base, { document: next, depth: depth + 1 }, { deps, scope })
}

/** Stores the documents under the name, and where the layers are. */
async function remember(base: DocumentedImage, reference: Reference, { store }: TransferDeps): Promise<void> {
  const repository = `${reference.registry}/${reference.repository}`
  await Promise.all(
    base.image.layers.map(({ diffId, blob }) =>
      store.layers.note({ diffId, forms: [blob], sources: [{ repository, digest: blob.digest }] }),
    ),
  )
  const { config, manifest } = base
  // As docker does: a reference with a digest names no image.
  const names = reference.digest === undefined ? [formatReference(reference)] : []
  const id = config.descriptor.digest
  await store.images.put({ id, manifest: manifest.descriptor, documents: [config, manifest] }, names)
}

async function noteDigests(
  { manifest }: DocumentedImage,
  { registry, repository }: Reference,
  { digests, store }: { readonly digests: ReadonlySet<Digest>; readonly store: TransferDeps['store'] },
): Promise<void> {
  for (const digest of digests) {
    await store.images.noteRepoDigest(manifest.descriptor.digest, `${registry}/${repository}@${digest}`)
  }
}

function otherPlatform(image: Image, { request, reference }: RemoteBase): WherryError {
  const subject = familiarReference(reference)
  return new WherryError('platform-mismatch', `${subject} has no image for ${formatPlatform(request.platform)}`, {
    hint: `It has ${formatPlatform(platformOf(image.config))} alone. Choose that with --platform, or leave --platform out.`,
  })
}

/** An image that is for one platform only is used as BuildKit uses it: whatever it is for, with a warning. */
function warnOfPlatform(image: Image, { name, platform, isPlatformChecked }: BaseRequest, scope: Scope): void {
  if (isPlatformChecked) return
  const own = formatPlatform(platformOf(image.config))
  scope.emit({ type: 'warning', message: `${name} is an image for ${own}, not for ${formatPlatform(platform)}` })
}
