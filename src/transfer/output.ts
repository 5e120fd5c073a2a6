/** Where an export goes: a file that appears whole, a device or fifo, or a stream that the caller gives. */
import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { WherryError, errnoOf } from '../core/errors.ts'
import type { Scope } from '../core/scope.ts'

/** A destination as the user gave it; '-' is `stdout`. */
export interface Destination {
  readonly dest: string
  /** The stream that '-' means; it is left open. */
  readonly stdout?: Writable
}

/**
 * Writes a stream to a destination; folders above it are made. A file takes its name when it is complete; what was there before stays until then.
 * @throws WherryError `io`, `usage` ('-' without a stream, a folder), `cancelled`, or the source's error
 */
export async function writeOutput(source: Readable, { dest, stdout }: Destination, scope: Scope): Promise<void> {
  const { signal } = scope
  if (dest === '-') {
    if (!stdout) throw new WherryError('usage', 'the output "-" needs a stream to go to')
    await pipeline(source, stdout, { end: false, signal })
    return
  }
  const special = await isSpecial(dest)
  const temp = special ? dest : `${dest}.${randomBytes(6).toString('hex')}.tmp`
  try {
    if (!special) await mkdir(dirname(dest), { recursive: true })
    await pipeline(source, createWriteStream(temp, { flags: special ? 'w' : 'wx' }), { signal })
    if (!special) await rename(temp, dest)
  } catch (error) {
    if (!special) await rm(temp, { force: true })
    throw outputError(error, dest)
  }
}

/** A failure to write as an error for people; others as they are. */
export function outputError(error: unknown, dest: string): unknown {
  if (error instanceof WherryError || errnoOf(error)?.startsWith('E') !== true) return error
  return new WherryError('io', `cannot write ${dest} (${errnoOf(error) ?? ''})`, { cause: error })
}

async function isSpecial(dest: string): Promise<boolean> {
  try {
    const found = await stat(dest)
    if (found.isDirectory()) throw new WherryError('usage', `${dest} is a folder`, { hint: 'Name a file in it.' })
    return !found.isFile()
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw outputError(error, dest)
  }
}
