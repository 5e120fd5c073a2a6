/** The thread that starts processes, and the one that remembers owners and devices, as the main thread has them. */
import type { Worker } from 'node:worker_threads'
import { WherryError } from '../core/errors.ts'
import { whenReadable } from '../host/libc.ts'
import type { ProcessResult } from './contract.ts'
import type { Emulation } from './filter.ts'
import { openNursery } from './nursery.ts'
import type { LaunchPlan } from './plan.ts'
import type { ChildEnd, StartedChild } from './step.ts'
import type { Stubs } from './stubs.ts'
import { startWorker } from './threads.ts'
import type { RecorderReply, RecorderRequest, SpawnerMessage, SpawnerRequest, StartFailure } from './worker/messages.ts'
import type { WatchedRun } from './worker/owner-book.ts'

/** What is recorded of a run. */
export interface Watching {
  /** What was asked for so far. */
  look(this: void): Promise<ProcessResult['owners']>
  /** All of it; the run is over. */
  take(this: void): Promise<ProcessResult['owners']>
}

/** Starts processes that die with this one. */
export interface Starter {
  /**
   * @param made is told which mount points were made in the root file system, also if the start fails then
   * @throws WherryError `sandbox-failed`
   */
  start(plan: LaunchPlan, made: (stubs: Stubs) => void): Promise<StartedChild>
  /** Kills what still runs and waits until the processes that held it together are reaped. */
  close(): Promise<void>
  /** Records what is asked for in a root file system, until `take`; absent where that cannot be told. */
  watch?(run: WatchedRun): Promise<Watching>
}

/**
 * Starts the threads; they end with the process.
 * @throws WherryError `sandbox-failed` if a thread cannot do what it is for
 */
export async function createStarter(emulation: Emulation): Promise<Starter> {
  const { listener, ...starter } = await createSpawner(emulation)
  return listener === undefined ? starter : { ...starter, watch: createRecording(listener, emulation) }
}

interface Waiting {
  started(this: void, child: StartedChild): void
  failed(this: void, error: Error): void
  ended(this: void, end: ChildEnd): void
  made(this: void, stubs: Stubs): void
}

type Spawner = Omit<Starter, 'watch'> & { readonly listener: number | undefined }

async function createSpawner(emulation: Emulation): Promise<Spawner> {
  const worker = startWorker({ kind: 'spawner', emulation })
  const nursery = openNursery()
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  const listener = await new Promise<number | undefined>((resolve, reject) => {
    worker.on('error', (error) => {
      const failure = new WherryError('sandbox-failed', `the thread that starts steps failed: ${error.message}`, {
        cause: error,
      })
      reject(failure)
      for (const { failed } of waiting.values()) failed(failure)
    })
    worker.on('message', (message: SpawnerMessage) => {
      if (message.kind === 'ready') resolve(message.listener)
      else dispatch(waiting, message)
    })
    nursery.then(({ fd }) => worker.postMessage({ kind: 'nursery', fd } satisfies SpawnerRequest), reject)
  })
  worker.unref()
  return {
    listener,
    close: async () => (await nursery).close(),
    start: (plan, made) =>
      new Promise((resolve, reject) => {
        const id = ++lastId
        waiting.set(id, { started: resolve, failed: reject, ended: () => undefined, made })
        const request: SpawnerRequest = { kind: 'start', id, plan }
        worker.postMessage(request)
      }),
  }
}

function dispatch(waiting: Map<number, Waiting>, message: Exclude<SpawnerMessage, { kind: 'ready' }>): void {
  const waiter = waiting.get(message.id)
  if (message.kind === 'stubs') return waiter?.made(message.stubs)
  if (message.kind === 'started') {
    // `ended` comes later on the same port.
    const ended = new Promise<ChildEnd>((resolve, reject) => {
      waiting.set(message.id, { started: () => undefined, failed: reject, ended: resolve, made: () => undefined })
    })
    const { pid, terminal } = message
    waiter?.started({ pid, ended, ...(terminal !== undefined && { terminal }) })
    return
  }
  waiting.delete(message.id)
  if (message.kind === 'ended') waiter?.ended(message.end)
  else waiter?.failed(startError(message.failure))
}

function startError({ message, known, hint }: StartFailure): WherryError {
  if (known) return new WherryError('sandbox-failed', message, { hint })
  return new WherryError('sandbox-failed', `the sandbox of the step could not be set up: ${message}`)
}

function createRecording(listener: number, emulation: Emulation): NonNullable<Starter['watch']> {
  const waiting: ((owners: RecorderReply['owners']) => void)[] = []
  const watched = new Map<number, WatchedRun>()
  let worker: Worker | undefined
  let lastId = 0
  const ask = (request: RecorderRequest): Promise<RecorderReply['owners']> =>
    new Promise((resolve) => {
      waiting.push(resolve)
      worker?.postMessage(request)
    })
  const begin = (): void => {
    worker = startWorker({ kind: 'recorder', listener, emulation })
    worker.on('message', ({ owners }: RecorderReply) => waiting.shift()?.(owners))
    worker.unref()
    for (const [id, run] of watched) void ask({ kind: 'watch', id, run })
  }
  if (emulation === 'root') begin()
  else onFirstCall(listener, begin)
  return async (run) => {
    const id = ++lastId
    watched.set(id, run)
    if (worker !== undefined) await ask({ kind: 'watch', id, run })
    return {
      look: async () => new Map(worker === undefined ? [] : await ask({ kind: 'look', id })),
      take: async () => {
        watched.delete(id)
        return new Map(worker === undefined ? [] : await ask({ kind: 'take', id }))
      },
    }
  }
}

/** Devices are rarely made: until one is, no thread waits for that. */
function onFirstCall(listener: number, begin: () => void): void {
  const watch = whenReadable(listener, () => {
    watch.close()
    begin()
  })
}
