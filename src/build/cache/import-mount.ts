/** A cache mount that this machine does not have begins as a cache has it. What goes wrong is a warning: it begins empty then. */
import { isCancelled } from '../../core/errors.ts'
import type { Digest } from '../../core/digest.ts'
import type { Scope } from '../../core/scope.ts'
import { fetchLayer } from '../../transfer/fetch.ts'
import { localFormOf } from '../../transfer/layer-access.ts'
import type { MountForm } from '../steps/cache-id.ts'
import type { CacheDeps } from './caches.ts'
import { mountKey } from './record.ts'
import type { SharedCache } from './shared-cache.ts'

/** What an import works with. */
export interface MountImport extends Pick<SharedCache, 'findMount'> {
  readonly deps: CacheDeps
}

/** A cache mount, and its id here. */
export interface WantedMount {
  readonly mount: MountForm
  readonly ownId: string
}

/** Makes the cache mount, if it is absent and one of the caches has it. @throws WherryError `cancelled` */
export async function importMount({ mount, ownId }: WantedMount, work: MountImport, scope: Scope): Promise<void> {
  const { trees } = work.deps
  const { id } = mount
  try {
    if (await trees.hasCacheMount(ownId, scope)) return
    const isUsable: Parameters<MountImport['findMount']>[1] = (fidelity) =>
      fidelity === 'exact' || trees.fidelity === 'emulated'
    const found = await work.findMount(mountKey(mount), isUsable)
    if (found === undefined) return
    if (await begin(ownId, found.diffId, work, scope))
      scope.emit({ type: 'message', text: `the cache mount ${id} begins as the cache ${found.label} has it` })
  } catch (error) {
    if (isCancelled(error) || scope.signal.aborted) throw error
    const why = error instanceof Error ? error.message : String(error)
    scope.emit({
      type: 'warning',
      message: `the cache mount ${id} cannot be had from a cache, and begins empty: ${why}`,
    })
  }
}

async function begin(id: string, diffId: Digest, { deps }: MountImport, scope: Scope): Promise<boolean> {
  const { store, trees, hold } = deps
  await hold(diffId)
  const own = await localFormOf(diffId, deps)
  const { digest } = await fetchLayer(diffId, deps, scope)
  try {
    return await trees.beginCacheMount({ id, diffId, blobPath: store.blobs.pathOf(digest) }, scope)
  } finally {
    // The mount has it all now; or it is of no use.
    if (own === undefined) await store.blobs.remove(digest)
  }
}
