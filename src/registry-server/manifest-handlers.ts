/** Manifests, tags and referrers over HTTP. OCI distribution-spec, "Pushing manifests", "Listing tags", "Listing referrers". */
import { type Digest, digestOf } from '../core/digest.ts'
import { WherryError } from '../core/errors.ts'
import { type JsonObject, isJsonObject, parseJsonObject, stringRecord } from '../core/json.ts'
import { type Descriptor, parseDescriptor } from '../oci/descriptor.ts'
import { type Index, type Manifest, descriptorJson, isIndex, parseManifestOrIndex } from '../oci/image.ts'
import { isForeignLayerType, mediaTypes } from '../oci/media-types.ts'
import type { Store } from '../store/contract.ts'
import type { Catalog } from './catalog.ts'
import { type Exchange, answer, answerJson, headerOf, pageOf, readBody } from './exchange.ts'
import { checkDigest, checkReference } from './names.ts'
import { refuse } from './refusal.ts'

/** What the handlers work with. */
export interface ManifestParts {
  readonly store: Pick<Store, 'blobs'>
  readonly catalog: Catalog
}

/** The specification wants at least this much to be accepted. */
const maxManifestBytes = 4 * 1024 * 1024

/** GET and HEAD of a manifest by tag or digest. */
export async function readManifest({ store, catalog }: ManifestParts, exchange: Exchange): Promise<void> {
  const digest = await resolve(catalog, exchange)
  const manifest = digest && (await catalog.manifest(exchange.name, digest))
  if (!manifest) throw await unknownManifest(catalog, exchange.name)
  const headers = {
    'content-type': manifest.mediaType,
    'content-length': manifest.size,
    'docker-content-digest': manifest.digest,
    etag: `"${manifest.digest}"`,
  }
  if (exchange.request.method === 'HEAD') answer(exchange, 200, headers)
  else answer(exchange, 200, headers, await readAll(store, manifest.digest))
}

async function resolve(catalog: Catalog, { name, argument }: Exchange): Promise<Digest | undefined> {
  const reference = checkReference(argument)
  return 'digest' in reference ? reference.digest : catalog.digestOfTag(name, reference.tag)
}

async function readAll(store: Pick<Store, 'blobs'>, digest: Digest): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of store.blobs.read(digest) as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function unknownManifest(catalog: Catalog, name: string): Promise<Error> {
  if (!(await catalog.hasRepository(name))) return refuse(404, 'NAME_UNKNOWN', 'no such repository')
  return refuse(404, 'MANIFEST_UNKNOWN', 'no such manifest')
}

/** PUT: checks that all that the manifest names is here, stores its exact bytes, then moves the tag. */
export async function writeManifest({ store, catalog }: ManifestParts, exchange: Exchange): Promise<void> {
  const { name, request, argument } = exchange
  const reference = checkReference(argument)
  const bytes = await readBody(request, maxManifestBytes)
  const digest = digestOf(bytes)
  if ('digest' in reference && reference.digest !== digest) {
    throw refuse(400, 'DIGEST_INVALID', 'the bytes do not match the digest in the path')
  }
  const contentType = headerOf(request, 'content-type')?.split(';')[0]?.trim()
  const { document, raw } = parse(bytes, contentType)
  await checkContents({ store, catalog }, name, document)
  const subject = isJsonObject(raw['subject']) ? parseDescriptor(raw['subject'], 'the manifest') : undefined
  await store.blobs.write(bytes, { digest, size: bytes.length })
  await catalog.addManifest(name, describe({ document, raw, digest }), subject?.digest)
  if ('tag' in reference) await catalog.setTag(name, reference.tag, digest)
  answer(exchange, 201, {
    location: `/v2/${name}/manifests/${digest}`,
    'docker-content-digest': digest,
    ...(subject && { 'oci-subject': subject.digest }),
  })
}

function parse(bytes: Buffer, contentType: string | undefined): { document: Manifest | Index; raw: JsonObject } {
  try {
    const raw = parseJsonObject(bytes.toString('utf8'), 'the manifest')
    const document = parseManifestOrIndex(bytes, contentType)
    if (contentType !== undefined && contentType !== document.mediaType) {
      throw refuse(400, 'MANIFEST_INVALID', `the Content-Type is ${contentType}, the mediaType ${document.mediaType}`)
    }
    return { document, raw }
  } catch (error) {
    if (error instanceof WherryError) throw refuse(400, 'MANIFEST_INVALID', error.message)
    throw error
  }
}

async function checkContents(parts: ManifestParts, name: string, document: Manifest | Index): Promise<void> {
  const { store, catalog } = parts
  const needed = isIndex(document) ? document.manifests : [document.config, ...document.layers]
  for (const { digest, mediaType, urls } of needed) {
    // Foreign layers are fetched from elsewhere.
    if (isForeignLayerType(mediaType) || (urls && urls.length > 0)) continue
    const isKnown = isIndex(document) ? await catalog.manifest(name, digest) : await catalog.hasBlob(name, digest)
    // A blob that no manifest named may have been collected since.
    if (!isKnown || (await store.blobs.sizeOf(digest)) === undefined)
      throw refuse(400, 'MANIFEST_BLOB_UNKNOWN', `the repository has no ${digest}`)
  }
}

function describe(parsed: { document: Manifest | Index; raw: JsonObject; digest: Digest }): Descriptor {
  const { document, raw, digest } = parsed
  const config = isIndex(document) ? undefined : document.config.mediaType
  const artifactType = typeof raw['artifactType'] === 'string' ? raw['artifactType'] : config
  const annotations = stringRecord(raw['annotations'])
  return {
    mediaType: document.mediaType,
    digest,
    size: document.bytes.length,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  }
}

/** DELETE of a tag, or of a manifest with all its tags. */
export async function deleteManifest({ catalog }: ManifestParts, exchange: Exchange): Promise<void> {
  const { name, argument } = exchange
  const reference = checkReference(argument)
  const isGone =
    'tag' in reference
      ? await catalog.removeTag(name, reference.tag)
      : await catalog.removeManifest(name, reference.digest)
  if (!isGone) throw await unknownManifest(catalog, name)
  answer(exchange, 202, {})
}

/** GET of the tag list. */
export async function listTags({ catalog }: ManifestParts, exchange: Exchange): Promise<void> {
  const { name } = exchange
  if (!(await catalog.hasRepository(name))) throw refuse(404, 'NAME_UNKNOWN', 'no such repository')
  const { page, headers } = pageOf(exchange, `/v2/${name}/tags/list`, await catalog.tags(name))
  answerJson(exchange, headers, { name, tags: page })
}

/** GET of the repositories. Docker's registry API, "Catalog". */
export async function listRepositories({ catalog }: ManifestParts, exchange: Exchange): Promise<void> {
  const { page, headers } = pageOf(exchange, '/v2/_catalog', await catalog.repositories())
  answerJson(exchange, headers, { repositories: page })
}

/** GET of the manifests whose subject is this digest. */
export async function listReferrers(parts: ManifestParts, exchange: Exchange): Promise<void> {
  const { catalog } = parts
  const subject = checkDigest(exchange.argument)
  const wanted = exchange.query.get('artifactType')
  const known = await catalog.referrers(exchange.name, subject)
  const tagged = await fallbackReferrers(parts, exchange.name, subject)
  const all = [...known, ...tagged.filter((t) => !known.some((k) => k.digest === t.digest))]
  const manifests = wanted === null ? all : all.filter((d) => d.artifactType === wanted)
  const headers = {
    'content-type': mediaTypes.ociIndex,
    ...(wanted === null ? {} : { 'oci-filters-applied': 'artifactType' }),
  }
  answerJson(exchange, headers, {
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: manifests.map(descriptorJson),
  })
}

/** What clients wrote for registries without the referrers API: an index under a tag made of the subject's digest. */
async function fallbackReferrers(
  { store, catalog }: ManifestParts,
  name: string,
  subject: Digest,
): Promise<readonly Descriptor[]> {
  const digest = await catalog.digestOfTag(name, subject.replace(':', '-'))
  const manifest = digest && (await catalog.manifest(name, digest))
  if (manifest?.mediaType !== mediaTypes.ociIndex) return []
  const document = parseManifestOrIndex(await readAll(store, manifest.digest), manifest.mediaType)
  const listed = isIndex(document) ? document.manifests : []
  const isHere = await Promise.all(listed.map(async (d) => (await catalog.manifest(name, d.digest)) !== undefined))
  return listed.filter((_, i) => isHere[i])
}
