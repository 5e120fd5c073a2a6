/** Makes the errors of the Dockerfile front end. */
import { type SourceRange, WherryError } from '../core/errors.ts'

/** A `dockerfile-syntax` error without a place; the caller that knows the place adds it with `withRange`. */
export function syntaxError(message: string, hint?: string, at?: SourceRange): WherryError {
  return new WherryError('dockerfile-syntax', message, { hint, at })
}
