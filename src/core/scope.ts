/** The one ambient thing: what every effectful call takes as its last parameter. */
import type { BuildEvent } from './events.ts'
import { WherryError } from './errors.ts'

/** Cancellation and progress of one piece of work. */
export interface Scope {
  readonly signal: AbortSignal
  emit(this: void, event: BuildEvent): void
}

/** A scope that never ends early and drops its events. */
export function quietScope(signal: AbortSignal = new AbortController().signal): Scope {
  return { signal, emit: () => undefined }
}

/**
 * Ends the caller if the scope was cancelled.
 * @throws WherryError `cancelled`
 */
export function throwIfCancelled(scope: Pick<Scope, 'signal'>): void {
  if (scope.signal.aborted) throw new WherryError('cancelled', 'cancelled', { cause: scope.signal.reason })
}

/** A scope whose signal also fires when `signal` does. */
export function narrowScope(scope: Scope, signal: AbortSignal): Scope {
  return { emit: scope.emit, signal: AbortSignal.any([scope.signal, signal]) }
}
