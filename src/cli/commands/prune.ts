/** `wherry prune`: dangling images go, then everything on disk that nothing refers to. */
import { createInterface } from 'node:readline/promises'
import type { Digest } from '../../core/digest.ts'
import type { Scope } from '../../core/scope.ts'
import { WherryError } from '../../core/errors.ts'
import type { CollectionReport, Store } from '../../store/contract.ts'
import { humanSize } from '../../ui/human.ts'
import { pruneCacheMounts } from '../cache-mounts.ts'
import { defineCommand } from '../command.ts'
import { type Io, noteLine, printLine } from '../io.ts'
import { openStoreFor } from '../store.ts'
import { scopeOf, treesForMap } from '../wiring.ts'

export const command = defineCommand({
  usage: '[OPTIONS]',
  arguments: [0, 0],
  options: {
    all: { kind: 'boolean', short: 'a', help: 'Also build cache and cache mounts that were used recently' },
    force: { kind: 'boolean', short: 'f', help: 'Do not ask' },
    'dry-run': { kind: 'boolean', help: 'Only say what would be deleted' },
  },
  unsupported: ['--filter', '--volumes', '--keep-storage', '--max-used-space', '--reserved-space'],
  examples: [['wherry prune -f', 'Dangling images, and cache that was not used for two weeks']],
  run: async ({ options }, io) => {
    const store = await openStoreFor(options, io)
    const dryRun = options['dry-run']
    if (!dryRun && !options.force && !(await agreed(options.all, io))) return 1
    await store.sweep()
    const dangling = (await store.images.list()).filter((image) => image.names.length === 0)
    if (!dryRun) for (const image of dangling) await store.images.remove(image.manifest.digest)
    const report = await store.collect({ all: options.all, dryRun })
    const tools = { scope: scopeOf(io, () => undefined), io }
    if (!dryRun) await removeSnapshots(report, store, tools)
    const caches = await pruneCacheMounts(store, { all: options.all, dryRun }, tools)
    for (const image of dangling) printLine(io, `${dryRun ? 'Would delete' : 'Deleted'}: ${image.id}`)
    for (const { id } of caches) printLine(io, `${dryRun ? 'Would delete' : 'Deleted'}: cache mount ${id}`)
    const { blobs, steps, snapshots } = report
    const bytes = caches.reduce((sum, cache) => sum + cache.bytes, report.bytes)
    printLine(io, `${blobs} blobs, ${steps} cached steps, ${snapshots.length} snapshots, ${caches.length} cache mounts`)
    printLine(io, `${dryRun ? 'Reclaimable' : 'Total reclaimed'} space: ${humanSize(bytes)}`)
    return 0
  },
})

/** Asks on a terminal; a script that calls this means it. */
async function agreed(all: boolean, io: Io): Promise<boolean> {
  if (!io.stdin.isTTY) return true
  const what = all
    ? 'all images without a name and the whole build cache'
    : 'all images without a name and unused cache'
  const lines = createInterface({ input: io.stdin, output: io.stderr })
  try {
    const answer = await lines.question(`This deletes ${what}. Go on? [y/N] `, { signal: io.signal })
    return /^y(es)?$/i.test(answer.trim())
  } finally {
    lines.close()
  }
}

/** Snapshots hold files of other owners: each map's are deleted by a process in a namespace with that map. */
async function removeSnapshots(
  report: CollectionReport,
  store: Store,
  { scope, io }: { readonly scope: Scope; readonly io: Io },
): Promise<void> {
  const byDriver = new Map<string, Digest[]>()
  for (const { driver, chainId } of report.snapshots) byDriver.set(driver, [...(byDriver.get(driver) ?? []), chainId])
  for (const [driver, chainIds] of byDriver) {
    const trees = await treesForMap(store, driver)
    if (trees === undefined) {
      noteLine(
        io,
        `WARNING: ${chainIds.length} snapshots of ${driver} stay: that way of mapping ids is not possible now`,
      )
      continue
    }
    try {
      await trees.remove(chainIds, scope)
    } catch (error) {
      if (!(error instanceof WherryError) || error.code === 'cancelled') throw error
      noteLine(io, `WARNING: snapshots of ${driver} stay: ${error.message}`)
    } finally {
      await trees.close()
    }
  }
}
