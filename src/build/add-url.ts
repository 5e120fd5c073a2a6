/** ADD of a URL: the file in the store's temp folder, with what the server says of its age. */
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { type BytePath, fromText } from '../core/bytepath.ts'
import { WherryError } from '../core/errors.ts'
import { headerOf } from '../http/message.ts'
import { redactUrl } from '../http/url.ts'
import type { Session } from './engine.ts'

/** A downloaded file. */
export interface Download {
  readonly path: BytePath
  readonly size: number
  /** Hexadecimal. */
  readonly sha256: string
  /** From `Last-Modified`, in nanoseconds; 1970 without. */
  readonly mtime: bigint
}

/** Downloads a URL. @throws WherryError `network`, also for a status other than 200 */
export async function download(url: string, { deps, scope }: Pick<Session, 'deps' | 'scope'>): Promise<Download> {
  const response = await deps.http.request({ method: 'GET', url: new URL(url), headers: {} }, scope.signal)
  const shown = redactUrl(new URL(url))
  if (response.status !== 200) {
    response.body.destroy()
    throw new WherryError('network', `${shown} answered with status ${response.status}`, {
      hint: 'Check the URL; wherry follows redirects itself.',
    })
  }
  const path = deps.store.tempPath('download')
  const hash = createHash('sha256')
  const size = await receive(response.body, {
    path,
    hash,
    report: reporter(shown, Number(headerOf(response, 'content-length')), scope),
  })
  const modified = Date.parse(headerOf(response, 'last-modified') ?? '')
  return {
    path: fromText(path),
    size,
    sha256: hash.digest('hex'),
    mtime: Number.isNaN(modified) ? 0n : BigInt(modified) * 1_000_000n,
  }
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
