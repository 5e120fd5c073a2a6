/** Manifests and indexes of a repository. OCI distribution-spec, "Pulling manifests" and "Pushing manifests". */
import { type Digest, digestOf, isDigest } from '../core/digest.ts'
import { WherryError } from '../core/errors.ts'
import { readBounded, readStart } from '../http/body.ts'
import { type RetryPolicy, withRetries } from '../http/retry.ts'
import { type HttpResponse, contentLengthOf, discard, headerOf } from '../http/message.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Document, parseManifestOrIndex } from '../oci/image.ts'
import { isSchema1Type, mediaTypes } from '../oci/media-types.ts'
import { answerOf, complaintError, parseComplaints, saysMissing } from './answer.ts'
import { type Target, failureOf, sendTo } from './target.ts'

const accept = [
  mediaTypes.ociIndex,
  mediaTypes.ociManifest,
  mediaTypes.dockerList,
  mediaTypes.dockerManifest,
  // Registries that hold only schema 1 send it then, which gives a clear refusal instead of a 404.
  '*/*;q=0.1',
].join(', ')

const maxManifestBytes = 100 * 1024 * 1024
const maxErrorBytes = 64 * 1024

/**
 * The descriptor of a tag or digest by HEAD, which Docker Hub does not count as a pull; by GET where HEAD does not tell all.
 * Undefined if there is none.
 */
export async function resolveManifest(target: Target, reference: string): Promise<Descriptor | undefined> {
  const response = await sendTo(target, request('HEAD', reference))
  discard(response)
  if (response.status === 404) return undefined
  const described = response.status === 200 ? describedBy(response, reference, target) : undefined
  return described ?? (await findManifest(target, reference))?.descriptor
}

/**
 * The exact bytes of a manifest, or undefined if there is none.
 * @throws WherryError `digest-mismatch` if they are not what the reference or the registry says
 */
export async function findManifest(target: Target, reference: string): Promise<Document | undefined> {
  const response = await sendTo(target, request('GET', reference))
  if (response.status !== 200) return missingOrThrow(target, response, reference)
  const { limit } = answerOf(response)
  if (limit !== undefined) target.onLimit(limit)
  const bytes = await readBounded(response, maxManifestBytes)
  const contentType = typeOf(response)
  const { mediaType } = parseManifestOrIndex(bytes, contentType)
  const digest = digestOf(bytes)
  const expected = isDigest(reference) ? reference : headerDigestOf(response)
  if (expected !== undefined && expected !== digest) throw mismatch(target, expected, digest)
  return { descriptor: { mediaType, digest, size: bytes.length }, bytes }
}

/** `findManifest` for one that must be there. @throws WherryError `registry` if it is not */
export async function readManifest(target: Target, reference: string): Promise<Document> {
  const found = await findManifest(target, reference)
  if (found) return found
  throw new WherryError('registry', `${target.label} has no manifest "${reference}"`, {
    hint: 'Check the name and the tag.',
    details: { status: 404 },
  })
}

/**
 * Docker's registry does not see a blob, or a manifest that an index names, for the moment in which somebody else puts the same
 * one, and then refuses manifests that name it. Other tries find it, if it is there at all.
 */
const settling: RetryPolicy = { tries: 5, baseMs: 100, maxDelayMs: 2000, totalMs: 10_000 }

/** What a registry made of a manifest. */
export interface PutResult {
  /** It lists it among the referrers of its subject, if it has one. */
  readonly knowsReferrers: boolean
}

/** Puts the exact bytes of a manifest under a tag or digest. What it names must be there. */
export async function putManifest(target: Target, reference: string, document: Document): Promise<PutResult> {
  return withRetries(settling, target.signal, async () => {
    try {
      return { kind: 'done', value: await putOnce(target, reference, document) }
    } catch (error) {
      if (!isUnknownBlob(error)) throw error
      const giveUp = (): never => {
        throw error
      }
      return { kind: 'again', giveUp }
    }
  })
}

function isUnknownBlob(error: unknown): error is WherryError {
  const codes = error instanceof WherryError ? error.details?.['codes'] : undefined
  return Array.isArray(codes) && codes.some((code) => code === 'MANIFEST_BLOB_UNKNOWN' || code === 'BLOB_UNKNOWN')
}

async function putOnce(target: Target, reference: string, document: Document): Promise<PutResult> {
  const { mediaType, digest } = document.descriptor
  const response = await sendTo(target, {
    method: 'PUT',
    url: `manifests/${reference}`,
    headers: { 'content-type': mediaType, 'content-length': String(document.bytes.length) },
    body: document.bytes,
    actions: 'pull,push',
  })
  if (response.status < 200 || response.status > 299) {
    throw await failureOf(target, response, `writing the manifest "${reference}"`, 'write')
  }
  const said = headerDigestOf(response)
  discard(response)
  // Only the answer may be wrong: what counts is what the registry has.
  if (said !== undefined && said !== digest && (await resolveManifest(target, reference))?.digest !== digest) {
    throw mismatch(target, digest, said)
  }
  return { knowsReferrers: headerOf(response, 'oci-subject') !== undefined }
}

function request(method: 'GET' | 'HEAD', reference: string): Parameters<typeof sendTo>[1] {
  return { method, url: `manifests/${reference}`, headers: { accept }, actions: 'pull' }
}

function describedBy(response: HttpResponse, reference: string, target: Target): Descriptor | undefined {
  const mediaType = typeOf(response)
  const size = contentLengthOf(response)
  const digest = headerDigestOf(response)
  if (mediaType === undefined || isSchema1Type(mediaType) || !size || digest === undefined) return undefined
  if (isDigest(reference) && reference !== digest) throw mismatch(target, reference, digest)
  return { mediaType, digest, size }
}

function headerDigestOf(response: HttpResponse): Digest | undefined {
  const text = headerOf(response, 'docker-content-digest')
  return text !== undefined && isDigest(text) ? text : undefined
}

function typeOf(response: HttpResponse): string | undefined {
  const type = headerOf(response, 'content-type')?.split(';')[0]?.trim()
  // Plain static servers and some proxies send one of these, which say nothing.
  return type === '' || type === 'application/json' || type === 'application/octet-stream' || type === 'text/plain'
    ? undefined
    : type
}

async function missingOrThrow(target: Target, response: HttpResponse, reference: string): Promise<undefined> {
  const { bytes } = await readStart(response, maxErrorBytes)
  const complaints = parseComplaints(bytes.toString('utf8'))
  if (saysMissing(response.status, complaints)) return undefined
  const isLoggedIn = await target.connection.isLoggedIn(target.repository, target.signal)
  const action = { what: `reading the manifest "${reference}"`, of: target.label, kind: 'read', isLoggedIn } as const
  throw complaintError(answerOf(response), complaints, action)
}

function mismatch(target: Target, expected: Digest, actual: Digest): WherryError {
  return new WherryError('digest-mismatch', `${target.label} sent a manifest ${actual} where ${expected} was due`, {
    hint: 'A proxy or the registry alters manifests; nothing of it was used.',
  })
}
