/** Bounded concurrency. */

/** Runs functions, at most `limit` at a time, in the order asked. */
export interface Limiter {
  <T>(work: () => Promise<T>): Promise<T>
}

/** A limiter for `limit` (>= 1) concurrent calls. */
export function limiter(limit: number): Limiter {
  let active = 0
  const waiting: (() => void)[] = []
  return async (work) => {
    if (active >= limit) await new Promise<void>((resolve) => waiting.push(resolve))
    else active++
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else active--
    }
  }
}

/** Calls `work` on every item, at most `limit` at a time; results in the items' order. The first failure rejects. */
export async function mapLimit<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const run = limiter(limit)
  return Promise.all(items.map((item, index) => run(() => work(item, index))))
}

/** Resolves after `ms` milliseconds, or rejects with the signal's reason as soon as it fires. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
    const onAbort = (): void => {
      clearTimeout(timer)
      reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
    }
    signal.addEventListener('abort', onAbort, { once: true })
  })
}
