/** Entry of a worker thread: takes one job at a time. */
import { parentPort } from 'node:worker_threads'
import { asWherryError } from '../../core/errors.ts'
import { type JobName, jobs } from './jobs.ts'
import type { Answer } from './pool.ts'

const port = parentPort!

port.on('message', (message: { name: JobName; params: never }) => {
  void answer(message).then((result) => port.postMessage(result))
})

async function answer({ name, params }: { name: JobName; params: never }): Promise<Answer> {
  try {
    return { ok: true, value: await jobs[name](params) }
  } catch (error) {
    const { code, message, hint, details } = asWherryError(error)
    return { ok: false, code, message, hint, details }
  }
}
