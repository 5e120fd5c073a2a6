/** What `import` reads: a file, a URL, or standard input, as a file for as long as it is needed. */
import { createWriteStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { WherryError, errnoOf } from '../core/errors.ts'
import type { HttpClient } from '../http/client.ts'
import { discard } from '../http/message.ts'
import { redactUrl } from '../http/url.ts'
import type { Store } from '../store/contract.ts'
import type { Io } from './io.ts'

/** What it works with. */
export interface ImportTools {
  readonly io: Pick<Io, 'stdin' | 'cwd' | 'signal'>
  readonly http: HttpClient
  readonly store: Pick<Store, 'tempPath'>
}

/** A file, and what it is called in messages and in the image's history. */
export interface ImportSource {
  readonly file: string
  readonly label: string
}

/**
 * Gives the source to `work`; what was downloaded or read from standard input is gone afterwards.
 * @throws WherryError `io`, `network`, `usage` if standard input is a terminal, and what `work` throws
 */
export async function withImportSource<T>(
  text: string,
  tools: ImportTools,
  work: (source: ImportSource) => Promise<T>,
): Promise<T> {
  if (text === '-') {
    if (tools.io.stdin.isTTY) throw new WherryError('usage', 'standard input is a terminal, where a tar is expected')
    return await spooled('-', tools.io.stdin, tools, work)
  }
  if (/^https?:\/\//.test(text)) {
    const { label, body } = await opened(text, tools)
    return await spooled(label, body, tools, work)
  }
  const file = resolve(tools.io.cwd, text)
  try {
    await stat(file)
  } catch (cause) {
    throw new WherryError('io', `cannot read ${text} (${errnoOf(cause) ?? ''})`, { cause })
  }
  return await work({ file, label: text })
}

async function opened(text: string, { http, io }: ImportTools): Promise<{ label: string; body: Readable }> {
  if (!URL.canParse(text)) throw new WherryError('usage', `"${text}" is no URL`)
  const url = new URL(text)
  const label = redactUrl(url)
  const response = await http.request({ method: 'GET', url }, io.signal)
  if (response.status === 200) return { label, body: response.body }
  discard(response)
  throw new WherryError('network', `${label} answered with status ${response.status}`, { hint: 'Check the URL.' })
}

async function spooled<T>(
  label: string,
  source: Readable,
  { io, store }: ImportTools,
  work: (source: ImportSource) => Promise<T>,
): Promise<T> {
  const file = store.tempPath('import')
  try {
    await pipeline(source, createWriteStream(file, { flags: 'wx', mode: 0o600 }), { signal: io.signal })
    return await work({ file, label })
  } finally {
    await rm(file, { force: true })
  }
}
