/** Reading blobs of a repository: resumed after a cut connection, verified at the end. OCI distribution-spec, "Pulling blobs". */
import { type Hash, createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { digestFromHex } from '../core/digest.ts'
import { WherryError, isCancelled } from '../core/errors.ts'
import { sleep } from '../core/schedule.ts'
import { networkError } from '../http/failure.ts'
import { isForbiddenHop } from '../http/url.ts'
import { type HttpResponse, discard, headerOf } from '../http/message.ts'
import { type RetryPolicy, isRetryableFailure, nextDelay } from '../http/retry.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Target, failureOf, sendTo } from './target.ts'
import { inWords } from './told.ts'

/** Where in which blob a reader stands. */
interface Reading {
  readonly target: Target
  readonly descriptor: Descriptor
  readonly retry: RetryPolicy
  /** Of all bytes since 0; undefined if reading began later. */
  readonly hash: Hash | undefined
  offset: number
}

/**
 * A blob's bytes from `start` on. The first answer is awaited, so that a missing blob throws here; the stream goes on where a cut
 * connection ended, and fails with `digest-mismatch` if size or (from 0) digest are wrong.
 * @throws WherryError `registry`, `auth-failed`, `network`, `cancelled`
 */
export async function readBlob(
  target: Target,
  descriptor: Descriptor,
  retry: RetryPolicy,
  start = 0,
): Promise<Readable> {
  const hash = start === 0 ? createHash('sha256') : undefined
  const reading: Reading = { target, descriptor, retry, hash, offset: start }
  const first = start < descriptor.size || start === 0 ? await requestFrom(reading) : undefined
  const stream = Readable.from(first ? bytesOf(reading, first) : [], {
    objectMode: false,
    highWaterMark: 256 * 1024,
    // So that a stream that nobody reads any more ends, too.
    signal: target.signal,
  })
  // A generator that never began has no `finally` that would give the connection back.
  if (first) stream.once('close', () => discard(first))
  return stream
}

async function requestFrom(reading: Reading): Promise<HttpResponse> {
  const { target, descriptor } = reading
  const response = await askAt(reading, `blobs/${descriptor.digest}`)
  if (isContent(response)) return response
  const failure = await failureOf(target, response, `reading the blob ${descriptor.digest}`)
  return (await askElsewhere(reading)) ?? Promise.reject(failure)
}

function askAt({ target, offset }: Reading, url: string | URL): Promise<HttpResponse> {
  return sendTo(target, {
    method: 'GET',
    url,
    headers: offset === 0 ? {} : { range: `bytes=${offset}-` },
    actions: 'pull',
  })
}

function isContent({ status }: HttpResponse): boolean {
  return status === 200 || status === 206
}

/** Layers that registries do not distribute (bases of Windows) are where their descriptor says; asked for as nobody. */
async function askElsewhere(reading: Reading): Promise<HttpResponse | undefined> {
  const { target, descriptor } = reading
  for (const text of descriptor.urls ?? []) {
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (url === undefined || isForbiddenHop(target.connection.base, url)) continue
    const response = await askAt(reading, url).catch((error: unknown) => {
      if (isCancelled(error)) throw error
      return undefined
    })
    if (response !== undefined && isContent(response)) return response
    if (response !== undefined) discard(response)
  }
  return undefined
}

async function* bytesOf(reading: Reading, first: HttpResponse): AsyncGenerator<Buffer> {
  const { retry, target } = reading
  let response: HttpResponse | undefined = first
  let tried = 1
  let begin = Date.now()
  for (;;) {
    const before = reading.offset
    let failure: unknown
    try {
      response ??= await requestFrom(reading)
      yield* chunksOf(reading, response)
      if (reading.offset >= reading.descriptor.size) {
        checkDigest(reading)
        return
      }
      failure = earlyEnd(reading)
    } catch (error) {
      failure = response ? networkError(error, response.url) : error
    }
    if (target.signal.aborted) throw new WherryError('cancelled', 'cancelled', { cause: target.signal.reason })
    if (reading.offset > before) [tried, begin] = [1, Date.now()]
    const delay = isRetryableFailure(failure) ? nextDelay(retry, { tried, elapsedMs: Date.now() - begin }) : undefined
    if (delay === undefined) throw inWords(target.label, `reading the blob ${reading.descriptor.digest}`, failure)
    tried++
    response = undefined
    await sleep(delay, target.signal).catch((cause: unknown) => {
      throw isCancelled(cause) ? cause : new WherryError('cancelled', 'cancelled', { cause })
    })
  }
}

async function* chunksOf(reading: Reading, response: HttpResponse): AsyncGenerator<Buffer> {
  // A server that ignores the range begins at 0 again.
  let skip = response.status === 206 ? checkedRange(reading, response) : reading.offset
  for await (const received of response.body as AsyncIterable<Buffer>) {
    const chunk = skip === 0 ? received : received.subarray(skip)
    skip = Math.max(0, skip - received.length)
    if (chunk.length === 0) continue
    reading.offset += chunk.length
    if (reading.offset > reading.descriptor.size) throw wrongContent(reading, 'is longer than its descriptor says')
    reading.hash?.update(chunk)
    yield chunk
  }
}

function checkedRange(reading: Reading, response: HttpResponse): number {
  const start = /^bytes (\d+)-/.exec(headerOf(response, 'content-range') ?? '')?.[1]
  if (start === undefined || Number(start) === reading.offset) return 0
  throw new WherryError(
    'registry',
    `${reading.target.label} sent another range of the blob ${reading.descriptor.digest} than asked`,
  )
}

function checkDigest(reading: Reading): void {
  if (reading.hash && digestFromHex(reading.hash.digest('hex')) !== reading.descriptor.digest) {
    throw wrongContent(reading, 'has other bytes than its digest says')
  }
}

function wrongContent({ target, descriptor }: Reading, what: string): WherryError {
  return new WherryError('digest-mismatch', `the blob ${descriptor.digest} of ${target.label} ${what}`, {
    hint: 'The registry or a proxy in between delivers a damaged blob; push it again, or pull from elsewhere.',
  })
}

function earlyEnd({ target, descriptor, offset }: Reading): WherryError {
  const message = `the blob ${descriptor.digest} of ${target.label} ended after ${offset} of ${descriptor.size} bytes`
  return new WherryError('network', message, { details: { retryable: true } })
}
