/** `export`: the file system that a stack of layers amounts to, as one tar. */
import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { Digest } from '../core/digest.ts'
import type { Scope } from '../core/scope.ts'
import { type LayerDeps, createLayerAccess } from './layer-access.ts'
import { type Destination, writeOutput } from './output.ts'
import { treeItems } from './tree-items.ts'

/** Which layers, lowest first, and where the tar goes. */
export interface TreeExport extends Destination {
  readonly diffIds: readonly Digest[]
}

/**
 * Writes the merged tree of a stack as a tar: owners, modes, times, devices, hard links and extended attributes as the layers have
 * them, folders before what they hold. Layers that are not here are fetched. A file appears whole; the same stack gives the same bytes.
 * @throws WherryError `io`, `usage`, the errors of fetching layers, `cancelled`
 */
export async function exportTree({ diffIds, ...to }: TreeExport, deps: LayerDeps, scope: Scope): Promise<void> {
  const { store, pool } = deps
  const [tarPath, contentsPath] = [store.tempPath('export.tar'), store.tempPath('export.contents')]
  const lease = await store.lease()
  try {
    const items = await treeItems(createLayerAccess(deps, scope), diffIds)
    await pool.run('seal', { items, tarPath, contentsPath }, scope)
    await writeOutput(createReadStream(tarPath, { highWaterMark: 1 << 20 }), to, scope)
  } finally {
    for (const path of [tarPath, contentsPath]) await rm(path, { force: true })
    await lease.release()
  }
}
