/** Cache mounts of all maps of ids, as commands count and delete them. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { WherryError, errnoOf } from '../core/errors.ts'
import type { Scope } from '../core/scope.ts'
import type { Store } from '../store/contract.ts'
import { folders } from '../store/formats.ts'
import type { CacheMount } from '../trees/contract.ts'
import { type Io, noteLine } from './io.ts'
import { treesForMap } from './wiring.ts'

/** How many cache mounts the store has. */
export async function countCacheMounts(store: Store): Promise<number> {
  const names = await Promise.all((await mapsOf(store)).map((map) => readdir(join(store.root, folders.mounts, map))))
  return names.flat().filter((name) => name.endsWith('.json')).length
}

/**
 * Deletes cache mounts that no build uses, and that were last used before a time (ms since 1970), by processes in namespaces with the map of each.
 * @returns those that went, or with `dryRun` would go
 */
export async function pruneCacheMounts(
  store: Store,
  { usedBefore, dryRun }: { readonly usedBefore: number; readonly dryRun: boolean },
  { io, scope }: { readonly io: Io; readonly scope: Scope },
): Promise<readonly CacheMount[]> {
  const gone: CacheMount[] = []
  for (const map of await mapsOf(store)) {
    const trees = await treesForMap(store, `overlay-${map}`)
    if (trees === undefined) {
      noteLine(io, `WARNING: cache mounts of ${map} stay: that way of mapping ids is not possible now`)
      continue
    }
    try {
      const old = (await trees.cacheMounts(scope)).filter((mount) => mount.lastUsed < usedBefore)
      const names = old.map((mount) => mount.name)
      gone.push(...(dryRun ? old : await trees.removeCacheMounts(names, scope)))
    } catch (error) {
      if (!(error instanceof WherryError) || error.code === 'cancelled') throw error
      noteLine(io, `WARNING: cache mounts of ${map} stay: ${error.message}`)
    } finally {
      await trees.close()
    }
  }
  return gone
}

/** Maps of ids that have cache mounts. */
async function mapsOf(store: Store): Promise<string[]> {
  const root = join(store.root, folders.mounts)
  try {
    const maps = await readdir(root)
    const filled = await Promise.all(maps.map(async (map) => (await readdir(join(root, map))).length > 0))
    return maps.filter((_, i) => filled[i])
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
}
