/** Who may do what: what a request needs, and how it is let in or turned away. */
import { Refusal } from './refusal.ts'

/** What tokens can grant. Distribution's token documentation, "Token Scope". */
export type Action = 'pull' | 'push' | 'delete' | '*'

/** A right that a request needs. */
export interface Need {
  readonly type: 'repository' | 'registry'
  readonly name: string
  readonly actions: readonly Action[]
}

/** What a request was granted. */
export interface Grant {
  /** For the log; undefined if nobody had to say who they are. */
  readonly user: string | undefined
  /** Whether blobs of another repository may be mounted. */
  mayPull(repository: string): boolean
}

/** A way of letting requests in. */
export interface Access {
  /** Checks an `Authorization` header; without a need any valid one will do. @throws Refusal 401 with the challenge */
  authorize(header: string | undefined, need: Need | undefined): Promise<Grant>
}

/** Lets everybody in. */
export const openAccess: Access = {
  authorize: () => Promise.resolve({ user: undefined, mayPull: () => true }),
}

/** What a request needs; undefined for the version check. The catalog tells of every repository, so it is a right of its own. */
export function needOf(method: string, pathname: string, repository: string): Need | undefined {
  if (repository !== '') return { type: 'repository', name: repository, actions: actionsOf(method) }
  return pathname.startsWith('/v2/_catalog') ? { type: 'registry', name: 'catalog', actions: ['*'] } : undefined
}

function actionsOf(method: string): Action[] {
  if (method === 'GET' || method === 'HEAD') return ['pull']
  return method === 'DELETE' ? ['delete'] : ['pull', 'push']
}

/** A 401 with its challenge. RFC 9110 section 11.6.1. */
export function unauthorized(challenge: string, message = 'authentication is required'): Refusal {
  return new Refusal(401, 'UNAUTHORIZED', message, { 'www-authenticate': challenge })
}
