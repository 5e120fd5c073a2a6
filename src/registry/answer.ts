/** Errors of a registry in its own words, as `WherryError`s with hints. */
import { WherryError } from '../core/errors.ts'
import { isJsonObject } from '../core/json.ts'
import { readStart } from '../http/body.ts'
import { type HttpResponse, headerOf } from '../http/message.ts'
import { parseRetryAfter } from '../http/retry.ts'

/** What a registry says went wrong. */
export interface Complaint {
  readonly code: string
  readonly message: string
}

/** What was being done, for messages. */
export interface Action {
  /** A gerund: `reading the manifest "latest"`. */
  readonly what: string
  /** `docker.io/library/debian`. */
  readonly of: string
  readonly kind: 'read' | 'write'
  /** Whether credentials were sent. */
  readonly isLoggedIn: boolean
}

const maxErrorBytes = 64 * 1024

/** The complaints in an error body; text that is not the specified JSON is one complaint without code. */
export function parseComplaints(body: string): Complaint[] {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    const text = /^\s*</.test(body) ? (/<title>([^<]*)<\/title>/i.exec(body)?.[1] ?? '') : body
    return text.trim() === '' ? [] : [{ code: '', message: legible(text) }]
  }
  if (!isJsonObject(value)) return []
  const list: readonly unknown[] = Array.isArray(value['errors']) ? value['errors'] : [value]
  return list.flatMap((item) => {
    if (!isJsonObject(item)) return []
    const code = typeof item['code'] === 'string' ? legible(item['code']) : ''
    const words = item['message'] ?? item['detail'] ?? item['details'] ?? item['error'] ?? ''
    const message = legible(typeof words === 'string' ? words : JSON.stringify(words))
    return code === '' && message === '' ? [] : [{ code, message }]
  })
}

function legible(text: string): string {
  // A registry must not be able to write control sequences to the terminal.
  const plain = text.replace(/[\p{Cc}\p{Cf}]+/gu, ' ').trim()
  return plain.length > 300 ? `${plain.slice(0, 300)}…` : plain
}

/** True if an answer says that the thing asked for is not there; some registries say so with other codes or statuses. */
export function saysMissing(status: number, complaints: readonly Complaint[]): boolean {
  if (status === 404) return true
  if (status < 400 || status >= 500) return false
  return complaints.some(
    (c) =>
      c.code === 'MANIFEST_UNKNOWN' ||
      c.code === 'NAME_UNKNOWN' ||
      (c.code === 'UNKNOWN' && /not found/i.test(c.message)),
  )
}

/** Reads an unwanted response's body and makes the error to throw. */
export async function registryError(response: HttpResponse, action: Action): Promise<WherryError> {
  const { bytes } = await readStart(response, maxErrorBytes)
  return complaintError(answerOf(response), parseComplaints(bytes.toString('utf8')), action)
}

/** What an answer says beside its body. */
export interface Answer {
  readonly status: number
  readonly retryAfterMs?: number
  /** The registry's limit in words. */
  readonly limit?: string
}

/** Reads status and headers. */
export function answerOf(response: Pick<HttpResponse, 'status' | 'headers'>): Answer {
  return {
    status: response.status,
    retryAfterMs: parseRetryAfter(headerOf(response, 'retry-after')),
    limit: limitOf(response),
  }
}

/** Docker Hub's `RateLimit-Limit: 100;w=21600` and `RateLimit-Remaining: 0;w=21600`, the window in seconds. */
function limitOf(response: Pick<HttpResponse, 'headers'>): string | undefined {
  const read = (name: string): RegExpExecArray | null =>
    /^(\d{1,9})(?:;w=(\d{1,9}))?/.exec(headerOf(response, `ratelimit-${name}`) ?? '')
  const [limit, left] = [read('limit'), read('remaining')]
  if (limit === null) return undefined
  const hours = Number(limit[2] ?? 0) / 3600
  const window = hours > 0 ? ` in ${Number(hours.toFixed(1))} h` : ''
  return `the limit is ${limit[1]}${window}${left === null ? '' : `, ${left[1]} left`}`
}

/** The error for a status and complaints: `auth-failed` for 401 and 403, else `registry`. */
export function complaintError(answer: Answer, complaints: readonly Complaint[], action: Action): WherryError {
  const { status, retryAfterMs, limit } = answer
  const words = complaints
    .map((c) => (c.code && c.message ? `${c.message} (${c.code})` : c.code || c.message))
    .join('; ')
  const isRefusal = status === 401 || status === 403
  const limited = status === 429 && limit !== undefined ? ` (${limit})` : ''
  const said = (words === '' ? `answered ${status}` : `answered ${status}: ${words}`) + limited
  return new WherryError(
    isRefusal ? 'auth-failed' : 'registry',
    `${action.what} of ${action.of} failed: the registry ${said}`,
    {
      hint: hintFor(status, words, action),
      details: { status, retryAfterMs, codes: complaints.map((c) => c.code) },
    },
  )
}

function hintFor(status: number, words: string, action: Action): string | undefined {
  const registry = action.of.split('/')[0]!
  if (/immutab|cannot be overwritten/i.test(words))
    return 'The registry keeps tags as they are: push under another tag.'
  if (status === 401 || status === 403) return refusalHint(registry, action)
  if (status === 404 || /NAME_UNKNOWN/.test(words)) {
    return action.kind === 'read'
      ? 'Check the name and the tag.'
      : `Create the repository first: ${registry} does not make one on push, or the name is wrong.`
  }
  if (status === 429)
    return `${registry} limits how much one may ask: wait a while${action.isLoggedIn ? '' : `, or log in with \`wherry login ${registry}\``}.`
  if (status === 413)
    return 'A proxy in front of the registry limits the size of uploads (nginx: client_max_body_size).'
  return status >= 500 ? 'The registry has a problem of its own: try again later.' : undefined
}

function refusalHint(registry: string, action: Action): string {
  if (!action.isLoggedIn) {
    return `Check the name, since registries answer so for repositories that do not exist, too; if it is private, run \`wherry login ${registry}\`.`
  }
  const right = action.kind === 'read' ? 'read' : 'write to'
  return `The credentials for ${registry} may not ${right} this repository, or it does not exist; \`wherry login ${registry}\` changes them.`
}
