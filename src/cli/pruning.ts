/** Deleting what is not needed: records and blobs by the store, snapshots and cache mounts by processes that may. */
import { createInterface } from 'node:readline/promises'
import { WherryError } from '../core/errors.ts'
import type { Digest } from '../core/digest.ts'
import type { Scope } from '../core/scope.ts'
import type { CollectionReport, Store } from '../store/contract.ts'
import { humanSize } from '../ui/human.ts'
import { pruneCacheMounts } from './cache-mounts.ts'
import { type Io, noteLine, printLine } from './io.ts'
import type { PrunePolicy } from './prune-policy.ts'
import { scopeOf, treesForMap } from './wiring.ts'

/** Deletes by the policy, and says what went or would go. @throws WherryError `store-busy` */
export async function pruneCache(store: Store, policy: PrunePolicy, io: Io): Promise<void> {
  const { dryRun } = policy
  await store.sweep()
  const report = await store.collect(policy)
  const tools = { scope: scopeOf(io, () => undefined), io }
  if (!dryRun) await removeSnapshots(report, store, tools)
  const caches = await pruneCacheMounts(store, { usedBefore: policy.mountsUsedBefore, dryRun }, tools)
  for (const { id } of caches) printLine(io, `${dryRun ? 'Would delete' : 'Deleted'}: cache mount ${id}`)
  const { blobs, steps, snapshots } = report
  const bytes = caches.reduce((sum, cache) => sum + cache.bytes, report.bytes)
  printLine(io, `${blobs} blobs, ${steps} cached steps, ${snapshots.length} snapshots, ${caches.length} cache mounts`)
  printLine(io, `${dryRun ? 'Reclaimable' : 'Total reclaimed'} space: ${humanSize(bytes)}`)
}

/** Asks on a terminal, in docker's words; a script that calls this means it. */
export async function agreed(what: readonly string[], io: Io): Promise<boolean> {
  if (!io.stdin.isTTY) return true
  const lines = createInterface({ input: io.stdin, output: io.stderr })
  try {
    const list = what.map((one) => `  - ${one}\n`).join('')
    const question = `WARNING! This will remove:\n${list}\nAre you sure you want to continue? [y/N] `
    return /^y(es)?$/i.test((await lines.question(question, { signal: io.signal })).trim())
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
