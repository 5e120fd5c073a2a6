/** Builds go on without layers that were promised and cannot be had: a registry lost them, or has other bytes. */
import { WherryError } from '../../core/errors.ts'
import { type Scope, narrowScope } from '../../core/scope.ts'
import { type Digest, isDigest } from '../../core/digest.ts'
import type { SharedCache } from './shared-cache.ts'

/** One attempt at a build. */
export interface Attempt {
  readonly scope: Scope
  /** Ends what is under way. */
  fail(this: void): void
}

/**
 * Tries `work`, and again without each layer that turned out to be lost: its step runs then. The first failure of an attempt
 * ends what else it has under way.
 * @throws what `work` throws, if no step of the build made the layer, or none is lost
 */
export async function withoutLostLayers<T>(
  cache: Pick<SharedCache, 'drop'>,
  scope: Scope,
  work: (attempt: Attempt) => Promise<T>,
): Promise<T> {
  for (;;) {
    const failure = new AbortController()
    try {
      return await work({ scope: narrowScope(scope, failure.signal), fail: () => failure.abort() })
    } catch (error) {
      failure.abort()
      const lost = lostLayerOf(error)
      if (scope.signal.aborted || lost === undefined || !(await cache.drop(lost))) throw error
      const why = error instanceof Error ? error.message : ''
      scope.emit({ type: 'warning', message: `a cached layer cannot be had, so its step runs again: ${why}` })
    }
  }
}

function lostLayerOf(error: unknown): Digest | undefined {
  const layer = error instanceof WherryError ? error.details?.['layer'] : undefined
  return typeof layer === 'string' && isDigest(layer) ? layer : undefined
}
