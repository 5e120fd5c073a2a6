/** Small record files with a digest as key: read as a miss whatever is wrong with them, written whole. */
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errnoOf } from '../core/errors.ts'
import { ensureDirectory, replaceQuickly } from '../host/durable.ts'
import { fileMode } from './formats.ts'

/** How long a record's time of last use may be out of date, in milliseconds: renewing it costs a write. */
const useGrain = 3600 * 1000

/** What a folder of records is made with. */
export interface RecordParts {
  readonly dir: string
  /** Permission bits of the folders below `dir`. */
  readonly dirMode: number
  readonly tempPath: (label: string) => string
}

/** The text of a record, or undefined if there is none. With `use`, its modification time is kept within the hour of its last reading; with a `limit` of 0 its bytes are not read. */
export async function readRecord(path: string, use: boolean, limit = Infinity): Promise<Buffer | undefined> {
  let handle: FileHandle
  try {
    handle = await open(path, 'r')
  } catch (error) {
    if (['ENOENT', 'EACCES', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return undefined
    throw error
  }
  try {
    if (use) await markUsed(handle)
    return limit === 0 ? Buffer.alloc(0) : await handle.readFile()
  } finally {
    await handle.close()
  }
}

async function markUsed(handle: FileHandle): Promise<void> {
  const now = Date.now()
  if ((await handle.stat()).mtimeMs > now - useGrain) return
  try {
    await handle.utimes(now / 1000, now / 1000)
  } catch (error) {
    // Another owner's record in a shared store can be used, only not renewed.
    if (!['EPERM', 'EACCES', 'EROFS'].includes(errnoOf(error) ?? '')) throw error
  }
}

/** Writes a record, making its folder when it is missing. Not waited for to reach the disk: a torn record is a miss. */
export async function writeRecord(path: string, data: string | Uint8Array, parts: RecordParts): Promise<void> {
  const write = (): Promise<void> => replaceQuickly({ temp: parts.tempPath('record'), path, data, mode: fileMode })
  try {
    await write()
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    await ensureDirectory(dirname(path), parts.dirMode)
    await write()
  }
}
