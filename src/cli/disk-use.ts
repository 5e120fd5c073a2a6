/** How much space folders of the store take. */
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf } from '../core/errors.ts'

/** What a folder takes on disk. */
export interface DiskUse {
  /** Regular files in it, hard links counted once. */
  readonly files: number
  /** Allocated bytes. */
  readonly bytes: number
  /** Folders that may not be read, since they belong to ids of the map. */
  readonly unreadable: number
}

const blockSize = 512

/** Measures a folder without following links; an absent one takes nothing. */
export async function diskUse(folder: string): Promise<DiskUse> {
  const seen = new Set<string>()
  const total = { files: 0, bytes: 0, unreadable: 0 }
  const visit = async (path: string): Promise<void> => {
    const names = await namesIn(path)
    if (names === undefined) total.unreadable++
    for (const { name, isFolder } of names ?? []) {
      const inner = join(path, name)
      if (isFolder) {
        await visit(inner)
        continue
      }
      const found = await lstat(inner, { bigint: true }).catch(() => undefined) // Deleted meanwhile.
      const key = `${found?.dev}:${found?.ino}`
      if (found === undefined || seen.has(key)) continue
      seen.add(key)
      total.files++
      total.bytes += Number(found.blocks) * blockSize
    }
  }
  await visit(folder)
  return total
}

async function namesIn(path: string): Promise<{ name: string; isFolder: boolean }[] | undefined> {
  try {
    // Names of snapshots may be any bytes; those that are not UTF-8 are then not found, which makes the sum a little less.
    return (await readdir(path, { withFileTypes: true })).map((entry) => ({
      name: entry.name,
      isFolder: entry.isDirectory(),
    }))
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    if (errnoOf(error) === 'EACCES') return undefined
    throw error
  }
}
