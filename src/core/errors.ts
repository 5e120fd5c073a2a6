/** The one error type: a closed union of codes, a message that says what, and a hint that says what to do. */

/** Where in a source text something stands; lines count from 1 and both ends are included. */
export interface SourceRange {
  /** Name to show, `Dockerfile` for instance. */
  readonly file: string
  readonly startLine: number
  readonly endLine: number
  /** The lines themselves, for the excerpt under an error. */
  readonly excerpt?: readonly string[]
}

/** Every code that an error of wherry can have; `docs/errors.md` has a line on each. */
export const errorCodes = [
  'archive-invalid',
  'archive-unsupported',
  'auth-failed',
  'blob-missing',
  'build-failed',
  'cancelled',
  'config-invalid',
  'container-in-use',
  'container-not-found',
  'context-invalid',
  'copy-failed',
  'digest-invalid',
  'digest-mismatch',
  'dockerfile-invalid',
  'dockerfile-syntax',
  'host-unsupported',
  'image-in-use',
  'image-not-found',
  'internal',
  'io',
  'json-invalid',
  'network',
  'not-implemented',
  'platform-mismatch',
  'reference-invalid',
  'registry',
  'run-failed',
  'sandbox-failed',
  'store-busy',
  'store-corrupt',
  'usage',
  'user-unknown',
] as const

/** One of `errorCodes`. */
export type ErrorCode = (typeof errorCodes)[number]

/** What an error may carry beside its code and message. */
export interface ErrorParts {
  /** What the user can do, one sentence. */
  readonly hint?: string
  readonly at?: SourceRange
  readonly details?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

/** An error that a user may see. Secrets must be gone from `message`, `hint` and `details` when it is made. */
export class WherryError extends Error {
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly at: SourceRange | undefined
  readonly details: Readonly<Record<string, unknown>> | undefined

  constructor(code: ErrorCode, message: string, parts: ErrorParts = {}) {
    super(message, { cause: parts.cause })
    this.name = 'WherryError'
    this.code = code
    this.hint = parts.hint
    this.at = parts.at
    this.details = parts.details
  }
}

/** Several errors of one text, all reported at once (syntax errors of a Dockerfile). */
export class WherryErrors extends WherryError {
  readonly errors: readonly WherryError[]

  constructor(errors: readonly [WherryError, ...WherryError[]]) {
    const first = errors[0]
    super(first.code, errors.map((e) => e.message).join('\n'), { at: first.at, hint: first.hint })
    this.errors = errors
  }
}

/** `error` as it is if it is a WherryError, else wrapped as `internal` with the original as cause. */
export function asWherryError(error: unknown): WherryError {
  if (error instanceof WherryError) return error
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof Error && error.name === 'AbortError')
    return new WherryError('cancelled', 'cancelled', { cause: error })
  return new WherryError('internal', message, { cause: error })
}

/** A copy of `error` that points to `at`, unless it already points somewhere. */
export function withRange(error: unknown, at: SourceRange): WherryError {
  const known = asWherryError(error)
  if (known.at !== undefined || known instanceof WherryErrors) return known
  const { code, message, hint, details, cause } = known
  return new WherryError(code, message, { hint, details, cause: cause ?? known, at })
}

/** The `code` of a Node system error (`ENOENT`), else undefined. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** True for an aborted wait, ours or Node's. */
export function isCancelled(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error.name === 'AbortError' || (error instanceof WherryError && error.code === 'cancelled'))
  )
}
