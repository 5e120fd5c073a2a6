/** Worker threads for synchronous file work: sealing, hashing, indexing. Started at need, ended when idle work is done. */
import { setMaxListeners } from 'node:events'
import { Worker } from 'node:worker_threads'
import { bundledFile } from '../../host/bundle.ts'
import { WherryError } from '../../core/errors.ts'
import { type Scope, throwIfCancelled } from '../../core/scope.ts'
import type { JobName, JobParams, JobResult } from './jobs.ts'

/** Runs jobs, each in a thread of its own while there are free ones. */
export interface Pool {
  /** A cancelled job rejects when its thread has ended, so that it writes nothing afterwards. @throws WherryError `cancelled` */
  run<N extends JobName>(name: N, params: JobParams<N>, scope: Pick<Scope, 'signal'>): Promise<JobResult<N>>
  close(): Promise<void>
}

interface Waiting {
  readonly message: { readonly name: JobName; readonly params: unknown }
  resolve(value: unknown): void
  reject(error: Error): void
}

/** What a worker answers. */
export type Answer =
  | { readonly ok: true; readonly value: unknown }
  | ({ readonly ok: false } & Pick<WherryError, 'code' | 'message' | 'hint' | 'details'>)

/** A pool of at most `size` threads. */
export function createPool(size: number): Pool {
  const idle: Worker[] = []
  const all = new Set<Worker>()
  const queue: Waiting[] = []
  const active = new Map<Worker, Waiting>()
  const assign = (worker: Worker, job: Waiting): void => {
    active.set(worker, job)
    worker.ref()
    try {
      worker.postMessage(job.message)
    } catch (cause) {
      // What cannot be cloned never reaches the thread, which is free again.
      finish(worker)
      job.reject(new WherryError('internal', `a job cannot be given to a thread: ${String(cause)}`, { cause }))
    }
  }
  const finish = (worker: Worker): Waiting | undefined => {
    const job = active.get(worker)
    active.delete(worker)
    const next = queue.shift()
    if (next !== undefined) assign(worker, next)
    else {
      worker.unref()
      idle.push(worker)
    }
    return job
  }
  const start = (): Worker => {
    const worker = new Worker(bundledFile('worker.js'))
    all.add(worker)
    worker.on('message', (answer: Answer) => {
      // An answer that crosses with a cancellation comes from a thread that is being ended.
      if (active.has(worker)) settle(finish(worker), answer)
    })
    worker.on('error', (cause) => {
      const job = drop(worker)
      job?.reject(new WherryError('internal', `a worker thread failed: ${String(cause)}`, { cause }))
    })
    return worker
  }
  /** Forgets a thread that is of no more use; a new one takes its place if there is work for it. */
  const drop = (worker: Worker): Waiting | undefined => {
    const job = active.get(worker)
    all.delete(worker)
    active.delete(worker)
    if (idle.includes(worker)) idle.splice(idle.indexOf(worker), 1)
    const next = queue.shift()
    if (next !== undefined) assign(start(), next)
    return job
  }
  /** Synchronous work cannot be asked to stop: its thread is ended. */
  const cancel = async (job: Waiting): Promise<void> => {
    const waiting = queue.indexOf(job)
    if (waiting >= 0) queue.splice(waiting, 1)
    const worker = [...active].find(([, its]) => its === job)?.[0]
    if (worker !== undefined) {
      active.delete(worker)
      await worker.terminate()
      drop(worker)
    }
    if (waiting >= 0 || worker !== undefined) job.reject(new WherryError('cancelled', 'cancelled'))
  }
  return {
    run: async (name, params, scope) => {
      throwIfCancelled(scope)
      const { job, result } = waitFor({ name, params })
      // One listener for each job: as many as the caller likes.
      setMaxListeners(0, scope.signal)
      const onAbort = (): void => void cancel(job)
      scope.signal.addEventListener('abort', onAbort, { once: true })
      const worker = idle.pop() ?? (all.size < size ? start() : undefined)
      if (worker !== undefined) assign(worker, job)
      else queue.push(job)
      const stopListening = (): void => scope.signal.removeEventListener('abort', onAbort)
      return (await result.finally(stopListening)) as JobResult<typeof name>
    },
    close: async () => {
      const closed = new WherryError('cancelled', 'the worker threads were ended')
      for (const job of [...active.values(), ...queue.splice(0)]) job.reject(closed)
      await Promise.all([...all].map((worker) => worker.terminate()))
    },
  }
}

function settle(job: Waiting | undefined, answer: Answer): void {
  if (answer.ok) job?.resolve(answer.value)
  else job?.reject(new WherryError(answer.code, answer.message, { hint: answer.hint, details: answer.details }))
}

function waitFor(message: Waiting['message']): { readonly job: Waiting; readonly result: Promise<unknown> } {
  let job!: Waiting
  const result = new Promise<unknown>((resolve, reject) => {
    job = { message, resolve, reject }
  })
  return { job, result }
}
