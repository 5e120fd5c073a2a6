/** Single mode's two threads, as the main thread has them: processes start under a filter, and owners are remembered. */
import { statSync } from 'node:fs'
import { WherryError } from '../core/errors.ts'
import type { ProcessResult } from './contract.ts'
import type { LaunchPlan } from './plan.ts'
import type { ChildEnd, StartedChild } from './step.ts'
import { startWorker } from './threads.ts'
import type { RecorderReply, RecorderRequest, SpawnerMessage, StartRequest } from './worker/messages.ts'
import { rootKey } from './worker/recorder.ts'

/** Starts processes that believe to be root, and knows which owners they gave to files. */
export interface Emulator {
  /** @throws WherryError `sandbox-failed` */
  start(plan: LaunchPlan): Promise<StartedChild>
  /** Records for the root file system mounted at `root`, until `take`. */
  watch(root: string): { take(): Promise<ProcessResult['owners']> }
}

/**
 * Starts the threads; they end with the process.
 * @throws WherryError `sandbox-failed` if the filter cannot be installed
 */
export async function createEmulator(): Promise<Emulator> {
  const { listener, start } = await createSpawner()
  const watch = listener === undefined ? () => ({ take: () => Promise.resolve(undefined) }) : createRecording(listener)
  return { start, watch }
}

interface Waiting {
  started(this: void, child: StartedChild): void
  failed(this: void, error: Error): void
  ended(this: void, end: ChildEnd): void
}

async function createSpawner(): Promise<{ listener: number | undefined; start: Emulator['start'] }> {
  const worker = startWorker({ kind: 'spawner' })
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  const listener = await new Promise<number | undefined>((resolve, reject) => {
    worker.on('error', (error) => {
      const failure = new WherryError('sandbox-failed', `single mode does not work here: ${error.message}`, {
        cause: error,
      })
      reject(failure)
      for (const { failed } of waiting.values()) failed(failure)
    })
    worker.on('message', (message: SpawnerMessage) => {
      if (message.kind === 'listening') resolve(message.listener)
      else dispatch(waiting, message)
    })
  })
  worker.unref()
  return {
    listener,
    start: (plan) =>
      new Promise((resolve, reject) => {
        const id = ++lastId
        waiting.set(id, { started: resolve, failed: reject, ended: () => undefined })
        const request: StartRequest = { id, plan }
        worker.postMessage(request)
      }),
  }
}

function dispatch(waiting: Map<number, Waiting>, message: Exclude<SpawnerMessage, { kind: 'listening' }>): void {
  const waiter = waiting.get(message.id)
  if (message.kind === 'started') {
    // `ended` comes later on the same port.
    const ended = new Promise<ChildEnd>((resolve, reject) => {
      waiting.set(message.id, { started: () => undefined, failed: reject, ended: resolve })
    })
    waiter?.started({ pid: message.pid, ended })
    return
  }
  waiting.delete(message.id)
  if (message.kind === 'ended') waiter?.ended(message.end)
  else
    waiter?.failed(new WherryError('sandbox-failed', `the sandbox of the step could not be set up: ${message.message}`))
}

function createRecording(listener: number): Emulator['watch'] {
  const worker = startWorker({ kind: 'recorder', listener })
  const waiting = new Map<number, (owners: RecorderReply['owners']) => void>()
  let lastId = 0
  worker.on('message', ({ id, owners }: RecorderReply) => {
    waiting.get(id)?.(owners)
    waiting.delete(id)
  })
  worker.unref()
  const ask = (request: RecorderRequest): void => worker.postMessage(request)
  return (root) => {
    const key = rootKey(statSync(root, { bigint: true }))
    ask({ kind: 'watch', key, since: BigInt(Date.now()) * 1_000_000n })
    return {
      take: async () => {
        const id = ++lastId
        const owners = await new Promise<RecorderReply['owners']>((resolve) => {
          waiting.set(id, resolve)
          ask({ kind: 'take', key, id })
        })
        return new Map(owners.map(([file, uid, gid]) => [file, { uid, gid }]))
      },
    }
  }
}
