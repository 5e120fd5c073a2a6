/** A stack of layers as snapshots that trees/ can mount: what is absent is fetched and unpacked. */
import type { Digest } from '../core/digest.ts'
import type { StackLayer } from '../trees/contract.ts'
import type { Session } from './engine.ts'

/** Makes the snapshots of a stack present and returns it as trees/ wants it. */
export async function materialize(session: Session, diffIds: readonly Digest[]): Promise<readonly StackLayer[]> {
  const stack = await session.layers.stack(diffIds)
  // Held before it is looked at: a prune at the same time must not take a snapshot that was seen.
  await session.hold(...stack.map((layer) => layer.chainId))
  const absent = await session.deps.trees.missing(stack, session.scope)
  // One at a time: stacks share layers, and each is to be unpacked and published once.
  return absent.length === 0 ? stack : session.unpackLimit(() => unpack(session, diffIds))
}

async function unpack({ deps, layers, scope }: Session, diffIds: readonly Digest[]): Promise<readonly StackLayer[]> {
  const absent = await deps.trees.missing(await layers.stack(diffIds), scope)
  await Promise.all(absent.map((layer) => layers.localForm(layer.diffId)))
  const stack = await layers.stack(diffIds)
  const indexed = await deps.trees.unpack(stack, () => deps.store.tempPath('contents'), scope)
  for (const { diffId, size, contentsPath } of indexed) {
    await deps.store.layers.adoptContents(diffId, contentsPath)
    await deps.store.layers.note({ diffId, size })
  }
  return stack
}
