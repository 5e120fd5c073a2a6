/** What the handlers of the calls share: the answers that need nothing more, and what they work with. */
import type { Answer, Listener, Notification } from '../../host/seccomp.ts'
import type { Credentials } from '../credentials.ts'
import type { OwnerBook } from './owner-book.ts'

/** The kernel carries the call out. */
export const proceed: Answer = { kind: 'continue' }

/** The call does nothing, and succeeds. */
export const done: Answer = { kind: 'value', value: 0 }

/** Errno of what only root may do. */
export const notPermitted: Answer = { kind: 'errno', errno: 1 }

/** A value for the caller. */
export function value(result: number): Answer {
  return { kind: 'value', value: result }
}

/** Who each process is; ids are passed on to children and kept over exec. */
export interface CredentialBook {
  of(this: void, pid: number): Credentials
  set(this: void, pid: number, who: Credentials): void
}

/** What a handler works with. */
export interface Desk {
  readonly owners: OwnerBook
  readonly credentials: CredentialBook
  readonly isWaiting: Listener['isWaiting']
}

/** Answers one call. May throw a SystemError, which lets the kernel carry the call out. */
export type Handler = (call: Notification, desk: Desk) => Answer
