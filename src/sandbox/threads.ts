/** The sandbox's helper threads: starting them, and the one that makes a network namespace. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { bundledFile } from '../host/bundle.ts'
import type { NetworkMessage, Role } from './worker/messages.ts'

/** Starts a thread. */
export function startWorker(role: Role): Worker {
  // The threads share descriptors that neither of them closes.
  return new Worker(bundledFile('sandbox-worker.js'), { workerData: role, trackUnmanagedFds: false })
}

/**
 * A network namespace with a loopback interface alone. The thread that makes one cannot come back, so it is one for this.
 * @returns a descriptor of it, the caller's to close
 */
export async function makeEmptyNetwork(): Promise<number> {
  const worker = startWorker({ kind: 'network' })
  const [{ fd }] = (await once(worker, 'message')) as [NetworkMessage]
  return fd
}
