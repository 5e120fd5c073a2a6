/** Worker threads for synchronous file work: sealing, hashing, indexing. Started at need, ended when idle work is done. */
import { Worker } from 'node:worker_threads'
import { bundledFile } from '../../host/bundle.ts'
import { WherryError, type ErrorCode } from '../../core/errors.ts'
import type { JobName, JobParams, JobResult } from './jobs.ts'

/** Runs jobs, each in a thread of its own while there are free ones. */
export interface Pool {
  run<N extends JobName>(name: N, params: JobParams<N>): Promise<JobResult<N>>
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
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string; readonly hint?: string }

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
    worker.on('message', (answer: Answer) => settle(finish(worker), answer))
    worker.on('error', (cause) => {
      all.delete(worker)
      active.get(worker)?.reject(new WherryError('internal', `a worker thread failed: ${String(cause)}`, { cause }))
      active.delete(worker)
      const next = queue.shift()
      if (next !== undefined) assign(start(), next)
    })
    return worker
  }
  return {
    run: (name, params) =>
      new Promise((resolve, reject) => {
        const job: Waiting = { message: { name, params }, resolve, reject }
        const worker = idle.pop() ?? (all.size < size ? start() : undefined)
        if (worker !== undefined) assign(worker, job)
        else queue.push(job)
      }),
    close: async () => {
      const closed = new WherryError('cancelled', 'the worker threads were ended')
      for (const job of [...active.values(), ...queue.splice(0)]) job.reject(closed)
      await Promise.all([...all].map((worker) => worker.terminate()))
    },
  }
}

function settle(job: Waiting | undefined, answer: Answer): void {
  if (answer.ok) job?.resolve(answer.value)
  else job?.reject(new WherryError(answer.code, answer.message, { hint: answer.hint }))
}
