/** Work that several callers wait for is done once; its result is kept until forgotten. */
import { isCancelled } from '../core/errors.ts'

/** Results by key, made on first demand. Failures are not kept. */
export interface Shared<V> {
  /** The kept result, or that of `work`. A caller that is cancelled does not end the others: one of them starts `work` anew. */
  get(key: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<V>): Promise<V>
  forget(key: string): void
}

/** Makes an empty collection of results. */
export function shareResults<V>(): Shared<V> {
  const results = new Map<string, Promise<V>>()
  return {
    forget: (key) => void results.delete(key),
    get: async (key, signal, work) => {
      for (;;) {
        const known = results.get(key)
        const running = known ?? work(signal)
        results.set(key, running)
        try {
          return await running
        } catch (error) {
          if (results.get(key) === running) results.delete(key)
          if (known === undefined || signal.aborted || !isCancelled(error)) throw error
        }
      }
    },
  }
}
