/** Files of an OCI layout in a folder: each appears whole, whoever else writes there. OCI image-spec image-layout.md. */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Digest, hexOf } from '../core/digest.ts'
import { type HeldLock, withLock } from '../store/lock.ts'

/** Where a blob lies in a layout. */
export function layoutPath(digest: Digest): string {
  return `blobs/sha256/${hexOf(digest)}`
}

/** Puts a file in place, with the folders on its way. */
export async function putFile(path: string, bytes: Buffer): Promise<void> {
  await put(path, (temp) => writeFile(temp, bytes))
}

/** Puts a copy of a file in place; it shares the bytes where the file system can. */
export async function copyBlob(from: string, path: string): Promise<void> {
  await put(path, (temp) => copyFile(from, temp, constants.COPYFILE_FICLONE))
}

async function put(path: string, write: (temp: string) => Promise<void>): Promise<void> {
  const temp = `${path}.${randomBytes(6).toString('hex')}.tmp`
  await mkdir(dirname(path), { recursive: true })
  await write(temp)
  await rename(temp, path)
}

/**
 * Runs `work` while no other process edits the index.json of the layout in `folder`.
 * @throws WherryError `store-busy` after 30 seconds of waiting, and what `work` throws
 */
export async function whileIndexIsLocked(folder: string, work: (lock: HeldLock) => Promise<void>): Promise<void> {
  await withLock(folder, 'index.json', work)
  await rm(join(folder, 'index.json.owner'), { force: true })
}
