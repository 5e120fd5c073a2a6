/** Failures that name the repository, and what was being done there. */
import { WherryError } from '../core/errors.ts'
import type { Repository } from './contract.ts'

/**
 * Waits for `work`; a failure that does not name the repository itself is thrown with what was being done, a gerund with its object
 * (`reading the manifest "latest"`), in front.
 */
export async function told<T>({ registry, repository }: Repository, what: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw inWords(`${registry}/${repository}`, what, error)
  }
}

/** The failure to throw for `error`. */
export function inWords(label: string, what: string, error: unknown): unknown {
  if (!(error instanceof WherryError) || !['network', 'registry', 'auth-failed'].includes(error.code)) return error
  if (error.message.includes(label)) return error
  const { code, hint, details, message } = error
  return new WherryError(code, `${what} of ${label} failed: ${message}`, { hint, details, cause: error })
}
