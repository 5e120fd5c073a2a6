/** Blobs and their uploads over HTTP. OCI distribution-spec, "Pulling blobs", "Pushing blobs", "Deleting blobs". */
import { createReadStream } from 'node:fs'
import type { Digest } from '../core/digest.ts'
import type { Catalog } from './catalog.ts'
import { type Exchange, answer, answerStream, headerOf } from './exchange.ts'
import { checkDigest, checkRepository } from './names.ts'
import { Refusal, refuse } from './refusal.ts'
import type { Upload, UploadStore, Uploads } from './uploads.ts'

/** What the handlers work with. */
export interface BlobParts {
  readonly store: UploadStore
  readonly catalog: Catalog
  readonly uploads: Uploads
}

/** GET and HEAD of a blob, whole or a range of it. */
export async function readBlob(parts: BlobParts, exchange: Exchange): Promise<void> {
  const digest = checkDigest(exchange.argument)
  const size = await sizeIn(parts, exchange.name, digest)
  const headers = {
    'accept-ranges': 'bytes',
    'content-type': 'application/octet-stream',
    'docker-content-digest': digest,
    etag: `"${digest}"`,
  }
  if (exchange.request.method === 'HEAD') {
    answer(exchange, 200, { ...headers, 'content-length': size })
    return
  }
  const range = rangeOf(headerOf(exchange.request, 'range'), size)
  if (range === undefined) {
    await answerStream(exchange, 200, { ...headers, 'content-length': size }, parts.store.blobs.read(digest))
    return
  }
  const { start, end } = range
  const part = createReadStream(parts.store.blobs.pathOf(digest), { start, end, highWaterMark: 1 << 20 })
  const partial = { ...headers, 'content-length': end - start + 1, 'content-range': `bytes ${start}-${end}/${size}` }
  await answerStream(exchange, 206, partial, part)
}

async function sizeIn({ store, catalog }: BlobParts, name: string, digest: Digest): Promise<number> {
  const size = (await catalog.hasBlob(name, digest)) ? await store.blobs.sizeOf(digest) : undefined
  if (size === undefined) throw refuse(404, 'BLOB_UNKNOWN', 'the repository has no such blob')
  return size
}

/** One byte range; undefined for none or several, which are answered whole. RFC 9110 section 14.2. */
function rangeOf(header: string | undefined, size: number): { start: number; end: number } | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '')
  const [, from = '', to = ''] = match ?? []
  if (from === '' && to === '') return undefined
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from)
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1)
  if (start <= end) return { start, end }
  throw new Refusal(416, 'SIZE_INVALID', 'the range is not within the blob', { 'content-range': `bytes */${size}` })
}

/** DELETE of a blob: the repository forgets it. */
export async function deleteBlob({ catalog }: BlobParts, exchange: Exchange): Promise<void> {
  if (!(await catalog.removeBlob(exchange.name, checkDigest(exchange.argument)))) {
    throw refuse(404, 'BLOB_UNKNOWN', 'the repository has no such blob')
  }
  answer(exchange, 202, {})
}

/** POST: begins an upload, mounts a blob of another repository, or takes a whole blob. */
export async function beginUpload(parts: BlobParts, exchange: Exchange): Promise<void> {
  const { request, query, name } = exchange
  const mount = query.get('mount')
  if (mount !== null && (await mountBlob(parts, exchange, checkDigest(mount)))) return
  const digest = query.get('digest')
  const expected = digest === null ? undefined : checkDigest(digest)
  const upload = await parts.uploads.begin(name)
  if (expected === undefined) {
    request.resume()
    answer(exchange, 202, positionOf(upload))
    return
  }
  await parts.uploads.append(upload, request)
  await finish(parts, exchange, upload, expected)
}

async function mountBlob(parts: BlobParts, exchange: Exchange, digest: Digest): Promise<boolean> {
  const from = exchange.query.get('from')
  if (from === null || !exchange.mayPull(checkRepository(from))) return false
  if (!(await parts.catalog.hasBlob(from, digest))) return false
  if ((await parts.store.blobs.sizeOf(digest)) === undefined) return false
  exchange.request.resume()
  await parts.catalog.addBlob(exchange.name, digest)
  answer(exchange, 201, blobHeaders(exchange.name, digest))
  return true
}

/** PATCH: appends to an upload. */
export async function continueUpload({ uploads }: BlobParts, exchange: Exchange): Promise<void> {
  const upload = await uploads.find(exchange.name, exchange.argument)
  checkPosition(exchange, upload)
  await uploads.append(upload, exchange.request)
  answer(exchange, 202, positionOf(upload))
}

/** PUT: appends what the body holds, then makes the upload a blob. */
export async function finishUpload(parts: BlobParts, exchange: Exchange): Promise<void> {
  const digest = checkDigest(exchange.query.get('digest') ?? '')
  const upload = await parts.uploads.find(exchange.name, exchange.argument)
  checkPosition(exchange, upload)
  await parts.uploads.append(upload, exchange.request)
  await finish(parts, exchange, upload, digest)
}

/** GET: how far an upload is. */
export async function uploadStatus({ uploads }: BlobParts, exchange: Exchange): Promise<void> {
  answer(exchange, 204, positionOf(await uploads.find(exchange.name, exchange.argument)))
}

/** DELETE: gives an upload up. */
export async function cancelUpload({ uploads }: BlobParts, exchange: Exchange): Promise<void> {
  await uploads.cancel(await uploads.find(exchange.name, exchange.argument))
  answer(exchange, 204, {})
}

async function finish(parts: BlobParts, exchange: Exchange, upload: Upload, digest: Digest): Promise<void> {
  await parts.uploads.finish(upload, digest)
  await parts.catalog.addBlob(exchange.name, digest)
  answer(exchange, 201, blobHeaders(exchange.name, digest))
}

function blobHeaders(name: string, digest: Digest): Record<string, string> {
  return { location: `/v2/${name}/blobs/${digest}`, 'docker-content-digest': digest }
}

function positionOf(upload: Upload): Record<string, string> {
  return {
    location: `/v2/${upload.repository}/blobs/uploads/${upload.id}`,
    range: `0-${Math.max(0, upload.size - 1)}`,
    'docker-upload-uuid': upload.id,
  }
}

/** Chunks come in order: a `Content-Range` must begin where the upload stands and be as long as the body. */
function checkPosition({ request }: Exchange, upload: Upload): void {
  const header = headerOf(request, 'content-range')
  if (header === undefined) return
  const match = /^(?:bytes[ =])?(\d+)-(\d+)(?:\/.*)?$/.exec(header)
  if (!match) throw refuse(400, 'BLOB_UPLOAD_INVALID', 'the Content-Range is not <start>-<end>')
  const [start, end] = [Number(match[1]), Number(match[2])]
  if (start !== upload.size) {
    throw new Refusal(416, 'BLOB_UPLOAD_INVALID', `the upload stands at ${upload.size}`, positionOf(upload))
  }
  const length = headerOf(request, 'content-length')
  if (length !== undefined && length !== '0' && Number(length) !== end - start + 1) {
    throw refuse(400, 'SIZE_INVALID', 'Content-Range and Content-Length differ')
  }
}
