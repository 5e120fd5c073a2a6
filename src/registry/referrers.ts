/**
 * Manifests that refer to another one. A registry that knows the referrers API says so when it takes such a manifest; for others the
 * client keeps an index of them under a tag made of the subject's digest. OCI distribution-spec, "Pushing Manifests with Subject".
 */
import { isJsonObject, parseJsonObject, stringRecord } from '../core/json.ts'
import { type Descriptor, parseDescriptor } from '../oci/descriptor.ts'
import { type Document, descriptorJson, documentOf } from '../oci/image.ts'
import { mediaTypes } from '../oci/media-types.ts'
import { findManifest, putManifest } from './manifests.ts'
import type { Target } from './target.ts'

/** Puts a manifest under a tag or digest, and sees to it that it is found among the referrers of its subject. */
export async function putWithReferrer(target: Target, reference: string, document: Document): Promise<void> {
  const { knowsReferrers } = await putManifest(target, reference, document)
  if (knowsReferrers) return
  const raw = parseJsonObject(document.bytes.toString('utf8'), 'the manifest')
  if (!isJsonObject(raw['subject'])) return
  const { digest } = parseDescriptor(raw['subject'], 'the manifest')
  await addReferrer(target, digest.replace(':', '-'), referrerOf(document, raw))
}

async function addReferrer(target: Target, tag: string, referrer: Descriptor): Promise<void> {
  const found = await findManifest(target, tag)
  const raw = found === undefined ? {} : parseJsonObject(found.bytes.toString('utf8'), `the index "${tag}"`)
  const known = Array.isArray(raw['manifests']) ? (raw['manifests'] as unknown[]) : []
  if (known.some((each) => isJsonObject(each) && each['digest'] === referrer.digest)) return
  // What others wrote stays as it is.
  const index = {
    ...raw,
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: [...known, descriptorJson(referrer)],
  }
  await putManifest(target, tag, documentOf(mediaTypes.ociIndex, Buffer.from(JSON.stringify(index))))
}

function referrerOf({ descriptor }: Document, raw: ReturnType<typeof parseJsonObject>): Descriptor {
  const { config } = raw
  const type = raw['artifactType'] ?? (isJsonObject(config) ? config['mediaType'] : undefined)
  const annotations = stringRecord(raw['annotations'])
  return {
    mediaType: descriptor.mediaType,
    digest: descriptor.digest,
    size: descriptor.size,
    ...(typeof type === 'string' && { artifactType: type }),
    ...(Object.keys(annotations).length > 0 && { annotations }),
  }
}
