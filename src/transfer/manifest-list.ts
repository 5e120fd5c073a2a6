/** `manifest`: lists of images for several platforms, put together from manifests that registries have. */
import { WherryError } from '../core/errors.ts'
import { parseJsonObject } from '../core/json.ts'
import type { Scope } from '../core/scope.ts'
import { checkConfig, platformOf } from '../oci/config.ts'
import { type Document, indexDocument, isIndex, parseManifestOrIndex } from '../oci/image.ts'
import { mediaTypes } from '../oci/media-types.ts'
import type { Platform } from '../oci/platform.ts'
import { type Reference, formatReference, parseReference } from '../oci/reference.ts'
import type { DraftMember, ManifestDraft } from '../store/contract.ts'
import { foundInRegistry, copyToRegistry } from './copy/registry-place.ts'
import { planCopy } from './copy/plan.ts'
import type { TransferDeps } from './deps.ts'
import { manifestOf, readSmall } from './documents.ts'

/** What these functions work with. */
export interface ListTools {
  readonly deps: TransferDeps
  readonly scope: Scope
}

/**
 * A draft with these manifests, which are looked up in their registries; one that it has already is replaced.
 * @throws WherryError `config-invalid` for what is a list itself, `registry`, `auth-failed`, `network`
 */
export async function withMembers(
  draft: ManifestDraft,
  references: readonly Reference[],
  tools: ListTools,
): Promise<ManifestDraft> {
  let { members } = draft
  for (const reference of references) {
    const member = await lookUp(reference, tools)
    members = [...members.filter(({ descriptor }) => descriptor.digest !== member.descriptor.digest), member]
  }
  return { ...draft, members }
}

async function lookUp(reference: Reference, { deps: { registry }, scope }: ListTools): Promise<DraftMember> {
  const name = formatReference(reference)
  const { descriptor, bytes } = await registry.manifest(reference, reference.digest ?? reference.tag ?? 'latest', scope)
  if (isIndex(parseManifestOrIndex(bytes, descriptor.mediaType))) {
    throw new WherryError('config-invalid', `${name} is a manifest list itself`, {
      hint: 'Name the images in it by their digests; `wherry manifest inspect` shows them.',
    })
  }
  const { config } = manifestOf({ descriptor, bytes })
  const json = await readSmall(await registry.blob(reference, config, scope), config)
  const platform = platformOf(checkConfig(parseJsonObject(json.toString('utf8'), `the config of ${name}`)))
  return { name, repository: `${reference.registry}/${reference.repository}`, descriptor: { ...descriptor, platform } }
}

/**
 * A draft in which one manifest is for another platform; what is not given stays.
 * @throws WherryError `image-not-found` if the draft does not have it
 */
export function annotated(draft: ManifestDraft, reference: Reference, platform: Partial<Platform>): ManifestDraft {
  const name = formatReference(reference)
  const isMeant = (member: DraftMember): boolean =>
    member.name === name || (reference.digest !== undefined && member.descriptor.digest === reference.digest)
  if (!draft.members.some(isMeant)) {
    throw new WherryError('image-not-found', `the manifest list ${draft.name} does not have ${name}`, {
      hint: `It has ${draft.members.map((member) => member.name).join(', ') || 'nothing'}.`,
    })
  }
  return {
    ...draft,
    members: draft.members.map((member) => {
      if (!isMeant(member)) return member
      const before = member.descriptor.platform ?? { os: 'linux', architecture: 'unknown' }
      return { ...member, descriptor: { ...member.descriptor, platform: { ...before, ...platform } } }
    }),
  }
}

/** The list as it is pushed: docker's own type if all its images are docker's, else an OCI index. */
export function listDocument({ members }: ManifestDraft): Document {
  const docker = members.every(({ descriptor }) => descriptor.mediaType === mediaTypes.dockerManifest)
  return indexDocument(
    members.map(({ descriptor }) => descriptor),
    { annotations: {}, docker },
  )
}

/**
 * Pushes a list: first the images that its repository does not have, each from where it is, then the list under its name. Calls
 * `onPushed` for each image.
 * @throws WherryError `usage` for an empty list, `registry`, `auth-failed`, `network`, `cancelled`
 */
export async function pushList(
  draft: ManifestDraft,
  { deps, scope }: ListTools,
  onPushed: (member: DraftMember) => void,
): Promise<Document> {
  const target = parseReference(draft.name)
  if (draft.members.length === 0) throw new WherryError('usage', `the manifest list ${draft.name} is empty`)
  for (const member of draft.members) {
    const { digest } = member.descriptor
    const { tag: _tag, ...source } = parseReference(`${member.repository}@${digest}`)
    if ((await deps.registry.resolve(target, digest, scope)) === undefined) {
      const copy = await planCopy(await foundInRegistry(source, deps, scope), { scope })
      await copyToRegistry(copy, { registry: target.registry, repository: target.repository }, { deps, scope })
    }
    onPushed(member)
  }
  const document = listDocument(draft)
  await deps.registry.pushManifest(target, target.tag ?? document.descriptor.digest, document, scope)
  return document
}
