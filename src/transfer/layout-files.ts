/** Files of an OCI layout in a folder: each appears whole, whoever else writes there. OCI image-spec image-layout.md. */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Digest, hexOf } from '../core/digest.ts'

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
