/** Makes the errors of the Dockerfile front end. */
import { type SourceRange, WherryError } from '../core/errors.ts'

/** A `dockerfile-syntax` error without a place; the caller that knows the place adds it with `withRange`. */
export function syntaxError(message: string, hint?: string, at?: SourceRange): WherryError {
  return new WherryError('dockerfile-syntax', message, { hint, at })
}

/** Characters that a word may expand to: variables that hold each other twice grow without end otherwise. */
export const maxExpanded: number = 4 * 1024 * 1024

/** The error for a word that would expand to more. */
export function tooLong(): WherryError {
  return syntaxError(`it expands to more than ${maxExpanded} characters`)
}
