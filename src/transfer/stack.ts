/** Stacks of layers as trees/ wants them, and their snapshots. */
import type { Digest } from '../core/digest.ts'
import type { Scope } from '../core/scope.ts'
import { chainIdsOf } from '../oci/image.ts'
import type { Store } from '../store/contract.ts'
import type { StackLayer, Trees } from '../trees/contract.ts'
import type { TransferDeps } from './deps.ts'
import { fetchLayer, presentForm } from './fetch.ts'

/** The layers, lowest first, with where their blobs and lists are or would be. */
export function stackOf(diffIds: readonly Digest[], store: Pick<Store, 'layers' | 'blobs'>): Promise<StackLayer[]> {
  return Promise.all(
    chainIdsOf(diffIds).map(async (chainId, i) => {
      const diffId = diffIds[i]!
      const record = await store.layers.get(diffId)
      const form = record === undefined ? undefined : await presentForm(record, store)
      const blobPath = store.blobs.pathOf(form?.digest ?? diffId)
      return { diffId, chainId, blobPath, contentsPath: store.layers.contentsPathOf(diffId) }
    }),
  )
}

/**
 * Makes the snapshots of a stack present: absent layers are fetched and unpacked.
 * @throws WherryError `blob-missing`, and what registries and trees/ throw
 */
export async function unpackStack(
  diffIds: readonly Digest[],
  deps: TransferDeps & { readonly trees: Pick<Trees, 'missing' | 'unpack'> },
  scope: Scope,
): Promise<readonly StackLayer[]> {
  const { store, trees } = deps
  const known = await stackOf(diffIds, store)
  const absent = await trees.missing(known, scope)
  if (absent.length === 0) return known
  for (const { diffId } of absent) await fetchLayer(diffId, deps, scope)
  const stack = await stackOf(diffIds, store)
  for (const { diffId, size, contentsPath } of await trees.unpack(stack, () => store.tempPath('contents'), scope)) {
    await store.layers.adoptContents(diffId, contentsPath)
    await store.layers.note({ diffId, size })
  }
  return stack
}
