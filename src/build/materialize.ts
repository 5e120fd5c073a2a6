/** A stack of layers as snapshots that trees/ can mount: what is absent is fetched, and unpacked while it is fetched. */
import type { Digest } from '../core/digest.ts'
import { mapLimit } from '../core/schedule.ts'
import { type Scope, narrowScope } from '../core/scope.ts'
import { parallelTransfers } from '../transfer/progress.ts'
import type { IndexedLayer, StackLayer } from '../trees/contract.ts'
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

async function unpack(session: Session, diffIds: readonly Digest[]): Promise<readonly StackLayer[]> {
  const { deps, layers, scope } = session
  const arriving = await layers.arrivingStack(diffIds)
  const absent = await deps.trees.missing(arriving, scope)
  const fetching = mapLimit(absent, deps.parallel ?? parallelTransfers, (layer) => layers.localForm(layer.diffId))
  const early = await unpackEarly(session, { absent, arriving, fetching })
  await fetching
  const stack = await layers.stack(diffIds)
  const indexed = early ?? (await unpackStack(session, stack, scope))
  for (const { diffId, size, contentsPath } of indexed) {
    await deps.store.layers.adoptContents(diffId, contentsPath)
    await deps.store.layers.note({ diffId, size })
  }
  return stack
}

function unpackStack({ deps }: Session, stack: readonly StackLayer[], scope: Scope): Promise<readonly IndexedLayer[]> {
  return deps.trees.unpack(stack, () => deps.store.tempPath('contents'), scope)
}

interface Early {
  readonly absent: readonly StackLayer[]
  readonly arriving: readonly StackLayer[]
  readonly fetching: Promise<unknown>
}

/**
 * Unpacks what is being fetched. Undefined if nothing is, or if that went wrong: then the blobs are unpacked when all are there, and
 * it is that, or their fetching, which says what is wrong with them.
 */
async function unpackEarly(
  session: Session,
  { absent, arriving, fetching }: Early,
): Promise<readonly IndexedLayer[] | undefined> {
  const { deps, layers, scope } = session
  if (absent.every((layer) => layer.arriving === undefined)) return undefined
  const end = new AbortController()
  const unpacking = unpackStack(session, arriving, narrowScope(scope, end.signal)).catch(() => undefined)
  try {
    await fetching
    // A blob that has come in another form than expected would be waited for in vain.
    const forms = await Promise.all(absent.map((layer) => layers.localForm(layer.diffId)))
    if (forms.some((form, i) => deps.store.blobs.pathOf(form.digest) !== absent[i]?.blobPath)) end.abort()
  } catch {
    end.abort()
  }
  return unpacking
}
