/** Runs what waits in the queue, so many builds at once. */
import { asWherryError } from '../core/errors.ts'
import type { BuildRecord } from './contract.ts'
import type { Queue } from './queue.ts'

/** What workers are made of. */
export interface WorkerParts {
  readonly queue: Pick<Queue, 'take' | 'list'>
  readonly jobs: number
  /** Makes a build and ends its record. When the signal fires it ends soon. */
  work(this: void, record: BuildRecord, signal: AbortSignal): Promise<void>
  note(this: void, line: string): void
}

/** The workers. */
export interface Workers {
  /** Begins what can begin. To be called when something was added. */
  wake(): void
  /** Ends the builds that are meant and waits for them. */
  stop(isMeant: (record: BuildRecord) => boolean, reason: string): Promise<void>
  /** Resolves when nothing waits and nothing runs. */
  idle(): Promise<void>
  /** Ends all builds and begins none. */
  close(): Promise<void>
}

/** After this the next build is tried again where its record could not be written, in milliseconds. */
const retryMs = 5000

interface Running {
  readonly record: BuildRecord
  readonly controller: AbortController
  readonly ended: Promise<void>
}

/** Makes workers that have not begun. */
export function createWorkers({ queue, jobs, work, note }: WorkerParts): Workers {
  const running = new Map<string, Running>()
  let isClosed = false
  let isPumping = false
  let idle: (() => void)[] = []

  const begin = (record: BuildRecord): void => {
    const controller = new AbortController()
    const ended = work(record, controller.signal)
      .catch((error: unknown) => note(`ERROR: build ${record.id}: ${asWherryError(error).message}`))
      .finally(() => {
        running.delete(record.id)
        wake()
      })
    running.set(record.id, { record, controller, ended })
  }
  const beginAll = async (): Promise<void> => {
    while (!isClosed && running.size < jobs) {
      const record = await queue.take()
      if (record === undefined) break
      begin(record)
    }
  }
  const tellIdle = (): void => {
    if (running.size > 0 || queue.list().some(({ status }) => status === 'waiting')) return
    idle.forEach((resolve) => resolve())
    idle = []
  }
  const pump = async (): Promise<void> => {
    isPumping = true
    try {
      await beginAll()
    } catch (error) {
      // A full disk, for instance.
      note(`ERROR: ${asWherryError(error).message}; trying again`)
      setTimeout(wake, retryMs).unref()
    } finally {
      isPumping = false
    }
    tellIdle()
  }
  let isWanted = false
  const wake = (): void => {
    isWanted = true
    if (isPumping || isClosed) return
    isWanted = false
    // What was added meanwhile may have been passed over.
    void pump().then(() => (isWanted ? wake() : undefined))
  }
  const stop: Workers['stop'] = async (isMeant, reason) => {
    const stopped = [...running.values()].filter(({ record }) => isMeant(record))
    for (const { controller } of stopped) controller.abort(new Error(reason))
    await Promise.all(stopped.map(({ ended }) => ended))
  }
  return {
    wake,
    stop,
    idle: () =>
      new Promise((resolve) => {
        idle.push(resolve)
        wake()
      }),
    close: async () => {
      isClosed = true
      await stop(() => true, 'wherry ends')
    },
  }
}
