/** Files of the store by the digests that name them, with when they were last used. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, isDigest } from '../core/digest.ts'
import { ifStillThere } from '../core/if-there.ts'
import { mapLimit } from '../core/schedule.ts'

/** A file of the store that is named after a digest. */
export interface Found {
  readonly path: string
  readonly digest: Digest
  readonly size: number
  /** The later of content and status change, in milliseconds since 1970. */
  readonly changed: number
  readonly used: number
}

/** The files of a folder of records (see `shardedPath`). */
export async function listSharded(dir: string, extension: string): Promise<Found[]> {
  const shards = (await readdir(dir)).filter((name) => /^[0-9a-f]{2}$/.test(name))
  return (await mapLimit(shards, 16, (shard) => listFiles(join(dir, shard), extension))).flat()
}

/** The entries of a folder that are named `<64 hex><extension>`. */
export async function listFiles(dir: string, extension: string): Promise<Found[]> {
  const found = await mapLimit(await readdir(dir), 16, async (name): Promise<Found[]> => {
    const digest = `sha256:${name.slice(0, name.length - extension.length)}`
    if (!name.endsWith(extension) || !isDigest(digest)) return []
    const path = join(dir, name)
    const file = await ifStillThere(stat(path))
    if (file === undefined) return []
    return [{ path, digest, size: file.size, changed: Math.max(file.mtimeMs, file.ctimeMs), used: file.mtimeMs }]
  })
  return found.flat()
}
