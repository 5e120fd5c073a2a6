/** Finds the ignore file of a build: `<Dockerfile>.dockerignore` next to the Dockerfile, else `.dockerignore` in the context. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, digestOf } from '../../core/digest.ts'
import { WherryError, errnoOf } from '../../core/errors.ts'
import { readIgnoreFile } from '../../dockerfile/ignore-file.ts'
import { type IgnoreMatcher, compileIgnore } from '../../dockerfile/ignore.ts'

/** The compiled ignore file, and its path; no path and no patterns if there is none. */
export interface IgnoreSource {
  readonly matcher: IgnoreMatcher
  readonly file?: string
  /** Of the file's bytes. */
  readonly digest?: Digest
}

/** Absolute paths that say where an ignore file may be. */
export interface IgnorePlaces {
  readonly dockerfile?: string
  /** The ignore file itself; then it must be there. `false`: none is looked for. */
  readonly ignoreFile?: string | false
}

/**
 * Reads the ignore file that holds for a context and a Dockerfile.
 * @throws WherryError `context-invalid` if it cannot be read, or `dockerfile-invalid` for a malformed pattern
 */
export async function findIgnore(directory: string, places: IgnorePlaces): Promise<IgnoreSource> {
  const { dockerfile, ignoreFile } = places
  if (ignoreFile === false) return { matcher: compileIgnore([]) }
  const candidates =
    ignoreFile !== undefined
      ? [ignoreFile]
      : [...(dockerfile === undefined ? [] : [`${dockerfile}.dockerignore`]), join(directory, '.dockerignore')]
  for (const file of candidates) {
    const content = await readOptional(file)
    if (content === undefined) continue
    const digest = digestOf(Buffer.from(content, 'latin1'))
    return { matcher: compileIgnore(readIgnoreFile(content)), file, digest }
  }
  if (ignoreFile !== undefined) {
    throw new WherryError('context-invalid', `there is no ignore file at ${ignoreFile}`, {
      hint: 'Name an existing one with --ignorefile.',
    })
  }
  return { matcher: compileIgnore([]) }
}

async function readOptional(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'latin1')
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT' || errnoOf(cause) === 'ENOTDIR') return undefined
    throw new WherryError('context-invalid', `cannot read the ignore file ${file}: ${String(cause)}`, { cause })
  }
}
