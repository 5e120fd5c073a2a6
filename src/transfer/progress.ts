/** Transfers as events: started, progress at a readable pace, finished; and groups that end together. */
import type { TransferKind } from '../core/events.ts'
import { mapLimit } from '../core/schedule.ts'
import type { TransferDeps } from './deps.ts'
import { type Scope, narrowScope, throwIfCancelled } from '../core/scope.ts'

/** Transfers that run at once: enough to fill a line, few enough for any registry. */
export const parallelTransfers = 6

/** Least time between two progress events of a transfer, in milliseconds. */
const progressGrain = 100

/** One transfer, as its worker sees it. */
export interface TransferLog {
  /** Bytes moved so far. */
  readonly at: (current: number) => void
}

/** How a transfer ended, and the bytes that it really moved. */
export interface TransferEnd<T> {
  readonly outcome: 'done' | 'exists' | 'mounted'
  readonly bytes: number
  readonly value: T
}

/** Runs one transfer with its events. `id` is unique within a build; sizes are in bytes. */
export async function logTransfer<T>(
  transfer: { readonly id: string; readonly kind: TransferKind; readonly subject: string; readonly total?: number },
  scope: Scope,
  work: (log: TransferLog) => Promise<TransferEnd<T>>,
): Promise<T> {
  const begin = performance.now()
  const { id, total } = transfer
  let last = begin
  let moved = 0
  const at = (current: number): void => {
    moved = current
    if (performance.now() - last < progressGrain) return
    last = performance.now()
    scope.emit({ type: 'transfer-progress', id, current, total })
  }
  const finish = (outcome: TransferEnd<T>['outcome'] | 'failed', bytes: number): void => {
    scope.emit({ type: 'transfer-finished', id, outcome, bytes, durationMs: Math.round(performance.now() - begin) })
  }
  scope.emit({ type: 'transfer-started', ...transfer })
  try {
    const { outcome, bytes, value } = await work({ at })
    finish(outcome, bytes)
    return value
  } catch (error) {
    finish('failed', moved)
    throw error
  }
}

/** Works on every item, as many at a time as `deps` allow; the first failure cancels the others and is thrown when they have ended. */
export async function transferAll<T, R>(
  items: readonly T[],
  { deps, scope }: { readonly deps: Pick<TransferDeps, 'parallel'>; readonly scope: Scope },
  work: (item: T, scope: Scope) => Promise<R>,
): Promise<R[]> {
  const group = new AbortController()
  const inner = narrowScope(scope, group.signal)
  const running: Promise<R>[] = []
  try {
    return await mapLimit(items, deps.parallel ?? parallelTransfers, async (item) => {
      throwIfCancelled(inner)
      const one = work(item, inner)
      running.push(one)
      return await one
    })
  } catch (error) {
    group.abort(error)
    // What they read from may be gone when this returns.
    await Promise.allSettled(running)
    throw error
  }
}
