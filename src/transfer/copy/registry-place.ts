/** Images in a registry, as they are: read from it, and written to it. */
import { WherryError } from '../../core/errors.ts'
import type { Digest } from '../../core/digest.ts'
import { hexOf } from '../../core/digest.ts'
import type { Scope } from '../../core/scope.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Document } from '../../oci/image.ts'
import { type Reference, formatReference } from '../../oci/reference.ts'
import type { TransferDeps } from '../deps.ts'
import { logTransfer, transferAll } from '../progress.ts'
import type { FoundImage, PlannedCopy } from './contract.ts'

/** The image of this name. @throws WherryError `registry`, `auth-failed`, `network`, `digest-mismatch`, `config-invalid` */
export async function foundInRegistry(
  reference: Reference,
  { registry }: Pick<TransferDeps, 'registry'>,
  scope: Scope,
): Promise<FoundImage> {
  const { registry: host, repository } = reference
  const top = await registry.manifest(reference, reference.digest ?? reference.tag ?? 'latest', scope)
  const label = formatReference(reference)
  const document = async (descriptor: Descriptor, inner: Scope): Promise<Document> => {
    const found = await registry.manifest(reference, descriptor.digest, inner)
    if (found.descriptor.mediaType === descriptor.mediaType) return found
    throw new WherryError('config-invalid', `${label}: ${descriptor.digest} is not what the index says that it is`)
  }
  return {
    source: {
      label,
      repository: { registry: host, repository },
      document,
      open: (descriptor, inner) => registry.blob(reference, descriptor, inner),
    },
    top,
    names: reference.digest === undefined ? [label] : [],
  }
}

/**
 * Writes an image or index to a registry: blobs first (mounted where the registry has them under another name), then manifests, what
 * has the name last. Without a tag it is written under its digest.
 * @throws WherryError the errors of source and registry
 */
export async function copyToRegistry(
  { plan, source }: PlannedCopy,
  reference: Pick<Reference, 'registry' | 'repository' | 'tag'>,
  { deps, scope }: { readonly deps: TransferDeps; readonly scope: Scope },
): Promise<Digest> {
  const from = source.repository
  const mountFrom =
    from?.registry === reference.registry && from.repository !== reference.repository ? [from.repository] : []
  await transferAll(plan.blobs, { deps, scope }, async (blob, inner) => {
    const { digest, size } = blob
    const subject = hexOf(digest).slice(0, 12)
    const id = `copy ${reference.registry}/${reference.repository} ${digest}`
    await logTransfer({ id, kind: 'copy', subject, total: size }, inner, async ({ at }) => {
      const open = () => source.open(blob, inner)
      const how = await deps.registry.pushBlob(reference, { descriptor: blob, mountFrom, open, onProgress: at }, inner)
      return { outcome: how === 'pushed' ? 'done' : how, bytes: how === 'pushed' ? size : 0, value: undefined }
    })
  })
  for (const document of plan.documents) {
    await deps.registry.pushManifest(reference, document.descriptor.digest, document, scope)
  }
  const { digest } = plan.top.descriptor
  await deps.registry.pushManifest(reference, reference.tag ?? digest, plan.top, scope)
  return digest
}
