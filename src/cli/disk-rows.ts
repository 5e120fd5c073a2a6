/** The rows of `wherry system df`. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ifStillThere } from '../core/if-there.ts'
import type { Store } from '../store/contract.ts'
import { folders } from '../store/formats.ts'
import { blobUse } from '../store/usage.ts'
import { humanSize } from '../ui/human.ts'
import { countCacheMounts } from './cache-mounts.ts'
import { type DiskUse, diskUse } from './disk-use.ts'
import { containerCounts, imageUses } from './image-uses.ts'

/** A row with the field names of docker's `--format`. */
export interface DiskRow {
  readonly Active: string
  readonly Reclaimable: string
  readonly Size: string
  readonly TotalCount: string
  readonly Type: string
}

/** The heading of each field. */
export const diskHeadings: Readonly<Record<keyof DiskRow, string>> = {
  Active: 'ACTIVE',
  Reclaimable: 'RECLAIMABLE',
  Size: 'SIZE',
  TotalCount: 'TOTAL',
  Type: 'TYPE',
}

/** What takes how much, and how many folders belong to other ids and could not be measured. */
export async function diskRows(store: Store): Promise<{ readonly rows: DiskRow[]; readonly unreadable: number }> {
  const of = (folder: string): Promise<DiskUse> => diskUse(join(store.root, folder))
  const [steps, downloads, snapshots, contexts, layers, mounts] = await Promise.all(
    [folders.steps, folders.downloads, folders.snapshots, folders.contexts, folders.layers, folders.mounts].map(of),
  )
  const images = await store.images.list()
  const used = await imageUses(store, images)
  const counts = await containerCounts(store)
  const trees = await of(folders.containers)
  const volumes = await volumeUse(store)
  const blobs = await blobUse(store, images, ({ manifest }) => used.has(manifest.digest))
  const ids = new Set(images.map(({ id }) => id))
  const cache = sum(steps!, downloads!, layers!, contexts!)
  const cached = cache.bytes + blobs.others
  const rows = [
    row('Images', { total: ids.size, active: used.size, bytes: blobs.images, reclaimable: blobs.freeable }),
    row('Containers', {
      total: counts.all,
      active: counts.running,
      bytes: trees.bytes - volumes.bytes,
      // What runs is not to be freed, and how much of it is whose is not known.
      ...(counts.running > 0 && { reclaimable: 0 }),
    }),
    row('Local Volumes', { total: volumes.count, active: volumes.count, bytes: volumes.bytes, reclaimable: 0 }),
    row('Snapshots', { total: await countSnapshots(store), bytes: snapshots!.bytes }),
    row('Build Cache', { total: steps!.files, bytes: cached }),
    row('Cache Mounts', { total: await countCacheMounts(store), bytes: mounts!.bytes }),
  ]
  return { rows, unreadable: sum(cache, snapshots!, mounts!, trees).unreadable }
}

interface Amount {
  readonly total: number
  readonly active?: number
  readonly bytes: number
  /** All if not given. */
  readonly reclaimable?: number
}

function row(Type: string, { total, active = 0, bytes, reclaimable = bytes }: Amount): DiskRow {
  const share = bytes > 0 ? ` (${Math.floor((reclaimable * 100) / bytes)}%)` : ''
  return {
    Active: String(active),
    Reclaimable: `${humanSize(reclaimable, 4)}${share}`,
    Size: humanSize(bytes, 4),
    TotalCount: String(total),
    Type,
  }
}

function sum(...uses: readonly DiskUse[]): DiskUse {
  return uses.reduce((a, b) => ({
    files: a.files + b.files,
    bytes: a.bytes + b.bytes,
    unreadable: a.unreadable + b.unreadable,
  }))
}

/** Volumes of containers; they go with the containers that they belong to. */
async function volumeUse(store: Store): Promise<{ readonly count: number; readonly bytes: number }> {
  const root = join(store.root, folders.containers)
  const dirs = ((await ifStillThere(readdir(root))) ?? []).map((place) => join(root, place, 'volumes'))
  const names = await Promise.all(dirs.map(async (dir) => (await ifStillThere(readdir(dir))) ?? []))
  const uses = await Promise.all(dirs.map(diskUse))
  return { count: names.flat().length, bytes: uses.reduce((total, use) => total + use.bytes, 0) }
}

async function countSnapshots(store: Store): Promise<number> {
  const root = join(store.root, folders.snapshots)
  const drivers = await readdir(root)
  const names = await Promise.all(drivers.map((driver) => readdir(join(root, driver)).catch(() => [])))
  return names.flat().filter((name) => /^[0-9a-f]{64}$/.test(name)).length
}
