/** An image of a registry, looked at without being pulled: manifest and config, and no layer. */
import type { Scope } from '../core/scope.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { isIndex, parseManifestOrIndex } from '../oci/image.ts'
import type { Platform } from '../oci/platform.ts'
import { type Reference, familiarReference } from '../oci/reference.ts'
import type { TransferDeps } from './deps.ts'
import { type DocumentedImage, imageOf, manifestOf, readSmall } from './documents.ts'
import { pickManifest } from './pick-platform.ts'

/** What a name means in its registry. */
export interface RemoteImage extends DocumentedImage {
  /** The manifest, or the index that it was chosen from. */
  readonly top: Descriptor
  /** The index's manifests. */
  readonly members?: readonly Descriptor[]
}

/**
 * Fetches the documents of an image; of an index those for the platform.
 * @throws WherryError `image-not-found`, `platform-mismatch`, `config-invalid`, `registry`, `auth-failed`, `network`, `cancelled`
 */
export async function remoteImage(
  { reference, platform }: { readonly reference: Reference; readonly platform: Platform },
  { registry }: Pick<TransferDeps, 'registry'>,
  scope: Scope,
): Promise<RemoteImage> {
  const top = await registry.manifest(reference, reference.digest ?? reference.tag ?? 'latest', scope)
  const parsed = parseManifestOrIndex(top.bytes, top.descriptor.mediaType)
  const members = isIndex(parsed) ? { members: parsed.manifests } : {}
  const chosen = isIndex(parsed) ? pickManifest(parsed, platform, familiarReference(reference)).digest : undefined
  const manifest = chosen === undefined ? top : await registry.manifest(reference, chosen, scope)
  const { config } = manifestOf(manifest)
  const bytes = await readSmall(await registry.blob(reference, config, scope), config)
  return { ...imageOf(manifestOf(manifest), manifest, { descriptor: config, bytes }), top: top.descriptor, ...members }
}
