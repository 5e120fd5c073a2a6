/** `copy`: an image or an index from one place to another, byte for byte, without unpacking anything. */
import type { Digest } from '../../core/digest.ts'
import { WherryError } from '../../core/errors.ts'
import type { Platform } from '../../oci/platform.ts'
import { formatReference, parseReference } from '../../oci/reference.ts'
import type { StoredImage } from '../../store/contract.ts'
import { openArchive } from '../archive-file.ts'
import { loadOutgoing } from '../documents.ts'
import { hasOwnManifest } from '../exact.ts'
import { pushImage } from '../push.ts'
import { type DockerItem, archiveImages } from './archive-images.ts'
import { writeArchive } from './archive-sink.ts'
import type { FoundImage, PlannedCopy } from './contract.ts'
import { copyToFolder } from './folder-sink.ts'
import { filesOfFolder, foundInLayout, fullName, layoutImages, selectImage } from './layout-source.ts'
import { takeLegacyImage } from './legacy.ts'
import { type Place, placeText } from './place.ts'
import { planCopy } from './plan.ts'
import { copyToRegistry, foundInRegistry } from './registry-place.ts'
import { type StoreTools, copyToStore, foundInStore, foundSettled } from './store-place.ts'

/** What to copy where. */
export interface CopyRequest {
  readonly from: Place
  readonly to: Place
  /** Of an index only the image for this platform; without it everything. */
  readonly platform?: Platform
}

/**
 * Copies. Manifests and configs go as they are; an image that was built here leaves the store with compressed layers, as a push has it,
 * and one of a `docker save` before Docker 25, which has no manifest, gets one. Returns the digest of what the destination names.
 * @throws WherryError the errors of both places, `image-not-found`, `platform-mismatch`, `cancelled`
 */
export async function copyImage(request: CopyRequest, tools: StoreTools): Promise<Digest> {
  const { store } = tools.deps
  await store.sweep()
  const lease = await store.lease()
  try {
    if (request.from.kind === 'store')
      return await copyStored(await store.images.resolve(request.from.name), request, tools)
    const { found, close } = await find(request.from, tools)
    try {
      return await write(await planned(found, request, tools), request.to, tools)
    } finally {
      await close()
    }
  } finally {
    await lease.release()
  }
}

async function planned(found: FoundImage, { platform }: CopyRequest, { scope }: StoreTools): Promise<PlannedCopy> {
  return await planCopy(found, { platform, scope })
}

/** What was built here is compressed while it is pushed, not before. */
async function copyStored(stored: StoredImage, request: CopyRequest, tools: StoreTools): Promise<Digest> {
  const { deps, scope } = tools
  const { to, platform } = request
  if (to.kind === 'registry' && !hasOwnManifest(stored) && platform === undefined) {
    const outgoing = await loadOutgoing(stored, deps.store)
    const { digest } = await pushImage(
      { outgoing, reference: to.reference, stored: stored.manifest.digest },
      deps,
      scope,
    )
    return digest
  }
  if (to.kind === 'store' && platform === undefined) {
    await deps.store.images.tag(stored.manifest.digest, storeName(to.name))
    return stored.manifest.digest
  }
  const digest = await write(await planned(await foundInStore(stored, [], tools), request, tools), to, tools)
  if (to.kind === 'registry' && digest === stored.manifest.digest) {
    const { registry, repository } = to.reference
    await deps.store.images.noteRepoDigest(digest, `${registry}/${repository}@${digest}`)
  }
  return digest
}

interface Opened {
  readonly found: FoundImage
  close(this: void): Promise<void>
}

const nothing = (): Promise<void> => Promise.resolve()

async function find(place: Exclude<Place, { kind: 'store' }>, tools: StoreTools): Promise<Opened> {
  const { deps, scope } = tools
  if (place.kind === 'registry') return { found: await foundInRegistry(place.reference, deps, scope), close: nothing }
  if (place.kind === 'archive') return await findInArchive(place, tools)
  const files = filesOfFolder(place.path)
  const images = await layoutImages(files)
  if (images === undefined) {
    throw new WherryError('image-not-found', `${place.path} is no OCI layout`, {
      hint: 'It must be a folder with index.json.',
    })
  }
  return { found: await foundInLayout(files, selectImage(images, place.selector, place.path)), close: nothing }
}

async function findInArchive({ path, selector }: Place & { kind: 'archive' }, tools: StoreTools): Promise<Opened> {
  const archive = await openArchive({ label: path, path }, tools.deps.store, tools.scope)
  const close = (): Promise<void> => archive.close()
  try {
    const images = await archiveImages(archive)
    if (images.kind === 'layout') {
      return { found: await foundInLayout(images.files, selectImage(images.images, selector, path)), close }
    }
    const { image } = await takeLegacyImage(selectItem(images.items, selector, path), archive, tools)
    return { found: await foundSettled({ image }, [], tools), close }
  } catch (error) {
    await close()
    throw error
  }
}

function selectItem(items: readonly DockerItem[], selector: string | undefined, label: string): DockerItem {
  const fitting = selector === undefined ? items : items.filter(({ names }) => names.includes(fullName(selector) ?? ''))
  const [item] = fitting
  if (item !== undefined && (selector !== undefined || items.length === 1)) return item
  const what = selector === undefined ? `holds ${items.length} images` : `has no image ${selector}`
  throw new WherryError('image-not-found', `${label} ${what}`, {
    hint: `It has ${items.flatMap(({ names }) => names).join(', ') || 'no names at all'}.`,
  })
}

async function write(copy: PlannedCopy, to: Place, tools: StoreTools): Promise<Digest> {
  const { deps, scope } = tools
  const { digest } = copy.plan.top.descriptor
  switch (to.kind) {
    case 'registry':
      return await copyToRegistry(copy, to.reference, tools)
    case 'store':
      await copyToStore(copy, [storeName(to.name)], tools)
      return digest
    case 'folder':
      await copyToFolder({ ...copy, ...calledIn(to.selector) }, to.path, { parallel: deps.parallel, scope })
      return digest
    case 'archive': {
      const images = [{ ...copy, ...calledIn(to.selector) }]
      await writeArchive({ images, form: to.form, dest: to.path }, scope)
      return digest
    }
  }
}

/** What a layout calls an image: a tag alone, or a whole name. */
function calledIn(selector: string | undefined): { readonly names: readonly string[]; readonly ref?: string } {
  const name = /[/:]/.test(selector ?? '') ? fullName(selector) : undefined
  return { names: name === undefined ? [] : [name], ...(selector === undefined ? {} : { ref: selector }) }
}

function storeName(name: string): string {
  const reference = parseReference(name)
  if (reference.digest === undefined) return formatReference(reference)
  throw new WherryError('usage', `"${name}" is a digest, which cannot be given as a name`)
}

/** Both places in words. */
export function copyText({ from, to }: CopyRequest): string {
  return `copying ${placeText(from)} to ${placeText(to)}`
}
