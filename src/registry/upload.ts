/** Pushing blobs: found there, mounted from another repository, or uploaded. OCI distribution-spec, "Pushing blobs". */
import { Readable } from 'node:stream'
import { WherryError, isCancelled } from '../core/errors.ts'
import { type HttpResponse, discard, headerOf } from '../http/message.ts'
import { type Attempt, type RetryPolicy, isRetryableFailure, isRetryableStatus, withRetries } from '../http/retry.ts'
import type { PushBlob } from './contract.ts'
import { uploadLocation, withParameter } from './location.ts'
import { type Target, type TargetRequest, failureOf, sendTo } from './target.ts'

/** Blobs up to this many bytes go in one PUT after the POST; larger ones by PATCH, which can be resumed. */
const smallBlob = 1024 * 1024
/** Repositories that a mount is tried from. */
const maxMounts = 3

/** Complaints after which a new session may succeed. */
const retryableCodes = ['TOOMANYREQUESTS', 'UNAVAILABLE', 'BLOB_UPLOAD_INVALID', 'BLOB_UPLOAD_UNKNOWN']

/** An upload that the registry has begun. */
interface Session {
  /** Where it continues. */
  readonly url: URL
  /** Bytes that the registry has. */
  readonly received: number
}

/**
 * Makes sure that the target has a blob.
 * @throws WherryError `registry`, `auth-failed`, `network`, `cancelled`, or what `blob.open` throws
 */
export async function pushBlob(
  target: Target,
  blob: PushBlob,
  retry: RetryPolicy,
): Promise<'pushed' | 'exists' | 'mounted'> {
  if (await hasBlob(target, blob)) return 'exists'
  const left = await leftSession(target, blob)
  const mount = left ?? (await tryMounts(target, blob))
  if (mount === 'mounted') return 'mounted'
  let session: Session | undefined = mount
  let furthest = 0
  await withRetries(retry, target.signal, async (tried) => {
    const outcome = await attemptUpload(target, blob, { session, isFirst: tried === 1 })
    session = outcome.session
    const received = session?.received ?? 0
    const advanced = received > furthest
    furthest = Math.max(furthest, received)
    return { ...outcome.attempt, advanced }
  })
  await blob.session?.keep(undefined)
  return 'pushed'
}

/** The session that an earlier process left, if the registry still has it and something in it. */
async function leftSession(target: Target, blob: PushBlob): Promise<Session | undefined> {
  const url = await blob.session?.take()
  if (url === undefined || !URL.canParse(url)) return undefined
  const { base } = target.connection
  try {
    return await stateOf(target, { url: uploadLocation(base, base, url), received: 0 })
  } catch (error) {
    if (isCancelled(error)) throw error
    // It was only a chance to send less.
    return undefined
  }
}

/** HEAD of the blob. An answer other than 200 and 404 has no body that says why: the upload's answer will have one. */
async function hasBlob(target: Target, blob: PushBlob): Promise<boolean> {
  const url = `blobs/${blob.descriptor.digest}`
  const response = await sendTo(target, { method: 'HEAD', url, actions: 'pull,push' })
  discard(response)
  return response.status === 200
}

/** Asks to mount from repositories said to hold the blob. A session that is opened instead is returned for the upload. */
async function tryMounts(target: Target, blob: PushBlob): Promise<'mounted' | Session | undefined> {
  const sources = blob.mountFrom.filter((from) => from !== target.repository).slice(0, maxMounts)
  for (const from of sources) {
    const query = `mount=${encodeURIComponent(blob.descriptor.digest)}&from=${encodeURIComponent(from)}`
    const response = await askMount(target, query, from)
    if (response?.status === 201) return 'mounted'
    if (response?.status === 202) return { url: locationOf(target, response), received: 0 }
  }
  return undefined
}

async function askMount(target: Target, query: string, from: string): Promise<HttpResponse | undefined> {
  try {
    const url = `blobs/uploads/?${query}`
    const response = await sendTo(target, { ...emptyPost(url), alsoPull: [from] })
    discard(response)
    return response
  } catch (error) {
    // No right to read there, for instance: the blob is uploaded instead.
    if (error instanceof WherryError && (error.code === 'auth-failed' || error.code === 'registry')) return undefined
    throw error
  }
}

async function attemptUpload(
  target: Target,
  blob: PushBlob,
  begun: { readonly session: Session | undefined; readonly isFirst: boolean },
): Promise<{ attempt: Attempt<undefined>; session?: Session }> {
  let session = begun.session
  try {
    if (!begun.isFirst) {
      session = session && (await stateOf(target, session))
      // The last try may have succeeded though its answer was lost.
      if (!session && (await hasBlob(target, blob))) return { attempt: { kind: 'done', value: undefined } }
    }
    session ??= await openSession(target)
    if (blob.descriptor.size > smallBlob) await blob.session?.keep(session.url.href)
    const isSmall = blob.descriptor.size <= smallBlob && session.received === 0
    const end = isSmall ? session : await patchRest(target, blob, session)
    await finish(target, { blob, session: end, withBody: isSmall })
    return { attempt: { kind: 'done', value: undefined } }
  } catch (error) {
    if (!isWorthAnotherTry(error)) throw error
    const giveUp = (): never => {
      throw error
    }
    const wait = error instanceof WherryError ? error.details?.['retryAfterMs'] : undefined
    const retryAfterMs = typeof wait === 'number' ? wait : undefined
    return { attempt: { kind: 'again', retryAfterMs, giveUp }, ...(session && { session }) }
  }
}

function isWorthAnotherTry(error: unknown): boolean {
  if (isRetryableFailure(error)) return true
  if (!(error instanceof WherryError) || error.code !== 'registry') return false
  const status = Number(error.details?.['status'])
  const codes: unknown = error.details?.['codes']
  return (
    isRetryableStatus(status) ||
    status === 416 ||
    (Array.isArray(codes) && retryableCodes.some((c) => codes.includes(c)))
  )
}

function emptyPost(url: string): TargetRequest {
  return { method: 'POST', url, headers: { 'content-length': '0' }, actions: 'pull,push' }
}

function locationOf(target: Target, response: HttpResponse, otherwise?: URL): URL {
  const location = headerOf(response, 'location')
  if (location === undefined && otherwise) return otherwise
  return uploadLocation(target.connection.base, response.url, location)
}

async function openSession(target: Target): Promise<Session> {
  const response = await sendTo(target, { ...emptyPost('blobs/uploads/'), tries: 1 })
  if (response.status !== 202) throw await failureOf(target, response, 'starting an upload', 'write')
  discard(response)
  return { url: locationOf(target, response), received: 0 }
}

/** What the registry has of a session; undefined if it does not say, so that the upload starts anew. */
async function stateOf(target: Target, session: Session): Promise<Session | undefined> {
  const response = await sendTo(target, { method: 'GET', url: session.url, tries: 3, actions: 'pull,push' })
  discard(response)
  const last = /^(?:bytes=)?0-(\d+)$/.exec(headerOf(response, 'range') ?? '')?.[1]
  if (response.status !== 204 || last === undefined) return undefined
  // An empty session is told as `0-0`, which may also mean one byte: beginning anew is right for both.
  return last === '0' ? undefined : { url: locationOf(target, response, session.url), received: Number(last) + 1 }
}

/** Sends in one PATCH what the session lacks, and returns where it continues. */
async function patchRest(target: Target, blob: PushBlob, session: Session): Promise<Session> {
  const { size, digest } = blob.descriptor
  const { received, url } = session
  if (received >= size) return session
  const range: Record<string, string> = received === 0 ? {} : { 'content-range': `${received}-${size - 1}` }
  const response = await sendTo(target, {
    method: 'PATCH',
    url,
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(size - received), ...range },
    body: () => bytesFrom(blob, received),
    tries: 1,
    actions: 'pull,push',
  })
  if (response.status < 200 || response.status > 299) {
    throw await failureOf(target, response, `uploading the blob ${digest}`, 'write')
  }
  discard(response)
  return { url: locationOf(target, response, url), received: size }
}

async function finish(
  target: Target,
  upload: { readonly blob: PushBlob; readonly session: Session; readonly withBody: boolean },
): Promise<void> {
  const { blob, session, withBody } = upload
  const { digest, size } = blob.descriptor
  const response = await sendTo(target, {
    method: 'PUT',
    url: withParameter(session.url, 'digest', digest),
    headers: { 'content-type': 'application/octet-stream', 'content-length': withBody ? String(size) : '0' },
    body: withBody ? () => bytesFrom(blob, 0) : undefined,
    tries: 1,
    actions: 'pull,push',
  })
  if (response.status !== 201 && response.status !== 204) {
    throw await failureOf(target, response, `uploading the blob ${digest}`, 'write')
  }
  discard(response)
}

/** The blob's bytes after the first `offset`, with progress told. */
function bytesFrom(blob: PushBlob, offset: number): Readable {
  return Readable.from(countedBytes(blob, offset), { objectMode: false, highWaterMark: 256 * 1024 })
}

async function* countedBytes(blob: PushBlob, offset: number): AsyncGenerator<Buffer> {
  const { digest, size } = blob.descriptor
  let position = 0
  for await (const chunk of (await blob.open()) as AsyncIterable<Buffer>) {
    const wanted = chunk.subarray(Math.min(chunk.length, Math.max(0, offset - position)))
    position += chunk.length
    if (position > size) break
    if (wanted.length === 0) continue
    yield wanted
    blob.onProgress?.(position)
  }
  if (position !== size) {
    throw new WherryError(
      'digest-mismatch',
      `the blob ${digest} to push has not the ${size} bytes that its descriptor says`,
    )
  }
}
