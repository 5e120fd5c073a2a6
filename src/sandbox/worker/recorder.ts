/**
 * The listener of single mode: answers what processes of runs ask about owners and ids, and remembers which owner each file
 * was to have. Whatever it cannot answer the kernel carries out.
 */
import { closeSync } from 'node:fs'
import { constants as osConstants } from 'node:os'
import { errnoOf } from '../../core/errors.ts'
import type { Answer, Listener, Notification } from '../../host/seccomp.ts'
import type { CallNumbers } from '../calls.ts'
import { idHandlers } from './answer-ids.ts'
import { makeHandlers } from './answer-make.ts'
import { statusHandlers } from './answer-status.ts'
import { type CredentialBook, type Desk, type Handler, proceed } from './answers.ts'
import { createOwnerBook, type OwnerBook } from './owner-book.ts'

/** Owners of runs, and the answers that come of them. */
export interface Recorder extends Pick<OwnerBook, 'watch' | 'take' | 'look'> {
  /** Answers calls until none has come for so many milliseconds, or for `longestMs`. */
  serve(this: void, idleMs: number, longestMs: number): void
}

/** A recorder for the calls of this processor, which come from `listener`. */
export function createRecorder({ calls }: CallNumbers, listener: Listener, credentials: CredentialBook): Recorder {
  const owners = createOwnerBook()
  const desk: Desk = { owners, credentials, isWaiting: listener.isWaiting }
  const all: Partial<Record<string, Handler>> = { ...statusHandlers, ...idHandlers, ...makeHandlers }
  const handlers = new Map<number, Handler | undefined>(calls.map(({ name, number }) => [number, all[name]]))
  return {
    watch: owners.watch,
    take: owners.take,
    look: owners.look,
    serve(idleMs, longestMs) {
      const end = performance.now() + longestMs
      for (let wait = 0; performance.now() < end; wait = idleMs) {
        const call = listener.receive(wait)
        if (call === undefined) return
        const answer = handle(handlers.get(call.number), call, desk)
        listener.answer(call.id, answer)
        if (answer.kind === 'descriptor') closeSync(answer.fd)
      }
    },
  }
}

/** Errors about the caller itself: it is gone, or what it gave is no address. The kernel has the right answer. */
const leftToKernel = ['ESRCH', 'EFAULT', 'ENOENT', 'ENAMETOOLONG']

function handle(handler: Handler | undefined, call: Notification, desk: Desk): Answer {
  try {
    return handler === undefined ? proceed : handler(call, desk)
  } catch (error) {
    const name = errnoOf(error)
    if (name === undefined) throw error
    if (leftToKernel.includes(name)) return proceed
    return { kind: 'errno', errno: osConstants.errno[name as keyof typeof osConstants.errno] }
  }
}
