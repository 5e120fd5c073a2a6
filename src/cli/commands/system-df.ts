/** `wherry system df`: what takes how much disk space. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { folders } from '../../store/formats.ts'
import type { Store } from '../../store/contract.ts'
import { humanSize } from '../../ui/human.ts'
import { formatTable } from '../../ui/table.ts'
import { countCacheMounts } from '../cache-mounts.ts'
import { defineCommand } from '../command.ts'
import { type DiskUse, diskUse } from '../disk-use.ts'
import { formatObjects } from '../format.ts'
import { noteLine } from '../io.ts'
import { openStoreFor } from '../store.ts'

export const command = defineCommand({
  usage: '[OPTIONS]',
  arguments: [0, 0],
  options: { format: { kind: 'string', value: 'FORMAT', help: '"json", or a template such as "{{.Type}} {{.Size}}"' } },
  unsupported: ['-v', '--verbose'],
  run: async ({ options }, io) => {
    const store = await openStoreFor(options, io)
    const { rows, unreadable } = await measure(store)
    if (options.format !== undefined) {
      io.stdout.write(formatObjects(rows, options.format))
      return 0
    }
    const cells = rows.map((row) => [row.Type, String(row.TotalCount), row.Size, row.Reclaimable])
    io.stdout.write(formatTable([['TYPE', 'TOTAL', 'SIZE', 'RECLAIMABLE'], ...cells]))
    if (unreadable > 0) noteLine(io, `${unreadable} folders belong to mapped ids and could not be measured.`)
    return 0
  },
})

interface Row {
  readonly Type: string
  readonly TotalCount: number
  readonly Size: string
  readonly Reclaimable: string
}

async function measure(store: Store): Promise<{ rows: Row[]; unreadable: number }> {
  const of = (folder: string): Promise<DiskUse> => diskUse(join(store.root, folder))
  const [blobs, steps, downloads, snapshots, contexts, layers, mounts] = await Promise.all([
    of(join(folders.oci, 'blobs')),
    of(folders.steps),
    of(folders.downloads),
    of(folders.snapshots),
    of(folders.contexts),
    of(folders.layers),
    of(folders.mounts),
  ])
  const images = await store.images.list()
  const { bytes } = await store.collect({ usedBefore: Infinity, dryRun: true })
  const row = (Type: string, TotalCount: number, use: DiskUse, reclaimable: number): Row => ({
    Type,
    TotalCount,
    Size: humanSize(use.bytes, 4),
    Reclaimable: humanSize(Math.min(reclaimable, use.bytes), 4),
  })
  const rows = [
    row('Images', images.length, blobs, bytes),
    row('Snapshots', await countSnapshots(store), snapshots, snapshots.bytes),
    row('Build Cache', steps.files, sum(steps, downloads, layers, contexts), steps.bytes + contexts.bytes),
    row('Cache Mounts', await countCacheMounts(store), mounts, mounts.bytes),
  ]
  return { rows, unreadable: sum(blobs, steps, downloads, snapshots, contexts, layers, mounts).unreadable }
}

function sum(...uses: readonly DiskUse[]): DiskUse {
  return uses.reduce((a, b) => ({
    files: a.files + b.files,
    bytes: a.bytes + b.bytes,
    unreadable: a.unreadable + b.unreadable,
  }))
}

async function countSnapshots(store: Store): Promise<number> {
  const root = join(store.root, folders.snapshots)
  const drivers = await readdir(root)
  const names = await Promise.all(drivers.map((driver) => readdir(join(root, driver)).catch(() => [])))
  return names.flat().filter((name) => /^[0-9a-f]{64}$/.test(name)).length
}
