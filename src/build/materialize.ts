/** A stack of layers as snapshots that trees/ can mount: what is absent is fetched and unpacked. */
import type { Digest } from '../core/digest.ts'
import type { StackLayer } from '../trees/contract.ts'
import type { Session } from './engine.ts'

/** Makes the snapshots of a stack present and returns it as trees/ wants it. */
export async function materialize(session: Session, diffIds: readonly Digest[]): Promise<readonly StackLayer[]> {
  const { deps, layers, scope } = session
  const stack = await layers.stack(diffIds)
  const absent = await deps.trees.missing(stack, scope)
  if (absent.length === 0) return stack
  await Promise.all(absent.map((layer) => layers.localForm(layer.diffId)))
  const present = await layers.stack(diffIds)
  const indexed = await deps.trees.unpack(present, (_diffId) => deps.store.tempPath('contents'), scope)
  for (const { diffId, size, contentsPath } of indexed) {
    await deps.store.layers.adoptContents(diffId, contentsPath)
    await deps.store.layers.note({ diffId, size })
  }
  return present
}
