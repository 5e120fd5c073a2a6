/** ADD of a URL: the file, kept as a blob of the store, with what the server says of its age. */
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { type BytePath, fromText } from '../core/bytepath.ts'
import { digestFromHex, hexOf } from '../core/digest.ts'
import { WherryError } from '../core/errors.ts'
import { type HttpResponse, discard, headerOf } from '../http/message.ts'
import { redactUrl } from '../http/url.ts'
import type { DownloadRecord } from '../store/contract.ts'
import type { Session } from './engine.ts'

/** A downloaded file: a blob of the store, or a temp file of the build. */
export interface Download {
  readonly path: BytePath
  readonly size: number
  /** Hexadecimal. */
  readonly sha256: string
  /** From `Last-Modified`, in nanoseconds; 1970 without. */
  readonly mtime: bigint
}

/** What is known of the file. */
export interface DownloadWish {
  /** What it must be; a file that has it is not asked for again. */
  readonly checksum?: string
  /** Download it whatever is in the store. */
  readonly fresh?: boolean
}

/**
 * Downloads a URL, unless the store has what it gave before and the server says that this still holds (RFC 9110, section 13).
 * The checksum is the caller's to check.
 * @throws WherryError `network`, also for a status other than 200
 */
export async function download(
  url: string,
  session: Pick<Session, 'deps' | 'scope' | 'hold'>,
  { checksum, fresh = false }: DownloadWish = {},
): Promise<Download> {
  const known = fresh ? undefined : await knownDownload(url, session)
  if (known !== undefined && known.digest === checksum) return stored(known, session)
  const { deps, scope } = session
  const headers = known === undefined ? {} : conditionsOf(known)
  const response = await deps.http.request({ method: 'GET', url: new URL(url), headers }, scope.signal)
  if (known !== undefined && response.status === 304) {
    discard(response)
    return stored(known, session)
  }
  const shown = redactUrl(new URL(url))
  if (response.status !== 200) {
    discard(response)
    throw new WherryError('network', `${shown} answered with status ${response.status}`, {
      hint: 'Check the URL; wherry follows redirects itself.',
    })
  }
  const path = deps.store.tempPath('download')
  const hash = createHash('sha256')
  const report = reporter(shown, Number(headerOf(response, 'content-length')), scope)
  const size = await receive(response.body, { path, hash, report })
  const record = recordOf(response, { digest: digestFromHex(hash.digest('hex')), size })
  // A file that is refused is not kept.
  if (checksum !== undefined && checksum !== record.digest) return downloaded(record, path)
  await session.hold(record.digest)
  await deps.store.blobs.adopt(path, record)
  await deps.store.downloads.put(url, record)
  return stored(record, session)
}

/** The record of the last download, if its blob is still there; held until the build ends. */
async function knownDownload(
  url: string,
  { deps, hold }: Pick<Session, 'deps' | 'hold'>,
): Promise<DownloadRecord | undefined> {
  const record = await deps.store.downloads.get(url)
  if (record === undefined) return undefined
  await hold(record.digest)
  return (await deps.store.blobs.sizeOf(record.digest)) === record.size ? record : undefined
}

function stored(record: DownloadRecord, { deps }: Pick<Session, 'deps'>): Download {
  return downloaded(record, deps.store.blobs.pathOf(record.digest))
}

function downloaded({ digest, size, lastModified = '' }: DownloadRecord, path: string): Download {
  const modified = Date.parse(lastModified)
  const mtime = Number.isNaN(modified) ? 0n : BigInt(modified) * 1_000_000n
  return { path: fromText(path), size, sha256: hexOf(digest), mtime }
}

function recordOf(response: HttpResponse, blob: Pick<DownloadRecord, 'digest' | 'size'>): DownloadRecord {
  const etag = headerOf(response, 'etag')
  const lastModified = headerOf(response, 'last-modified')
  const date = headerOf(response, 'date')
  return {
    ...blob,
    ...(etag !== undefined && { etag }),
    ...(lastModified !== undefined && { lastModified }),
    ...(date !== undefined && { date }),
  }
}

/**
 * The headers that ask for a file only if it is another than the one of the record; none if the record cannot tell. A time counts
 * only if the answer was at least a second younger, for within a second a file may change twice (RFC 9110, section 8.8.2.2).
 */
export function conditionsOf({ etag, lastModified, date }: DownloadRecord): Readonly<Record<string, string>> {
  if (etag !== undefined) return { 'if-none-match': etag }
  if (lastModified === undefined || date === undefined) return {}
  return Date.parse(date) - Date.parse(lastModified) >= 1000 ? { 'if-modified-since': lastModified } : {}
}

interface Receiver {
  readonly path: string
  readonly hash: { update(chunk: Buffer): unknown }
  readonly report: Reporter
}

async function receive(body: AsyncIterable<Buffer>, { path, hash, report }: Receiver): Promise<number> {
  let size = 0
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of body) {
      hash.update(chunk)
      size += chunk.length
      report.progress(size)
      yield chunk
    }
  }
  try {
    await pipeline(counted(), createWriteStream(path, { flags: 'wx' }))
    report.end('done', size)
  } catch (error) {
    report.end('failed', size)
    throw error
  }
  return size
}

interface Reporter {
  progress(current: number): void
  end(outcome: 'done' | 'failed', bytes: number): void
}

/** How often progress is told, in milliseconds. */
const intervalMs = 200

function reporter(subject: string, length: number, scope: Session['scope']): Reporter {
  const id = `download ${subject}`
  const started = performance.now()
  let told = started
  const total = Number.isFinite(length) && length > 0 ? length : undefined
  scope.emit({ type: 'transfer-started', id, kind: 'download', subject, total })
  return {
    progress: (current) => {
      if (performance.now() - told < intervalMs) return
      told = performance.now()
      scope.emit({ type: 'transfer-progress', id, current, total })
    },
    end: (outcome, bytes) =>
      scope.emit({
        type: 'transfer-finished',
        id,
        outcome,
        bytes,
        durationMs: Math.round(performance.now() - started),
      }),
  }
}
