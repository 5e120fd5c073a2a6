/** One repository at one host, and the requests to it. */
import type { WherryError } from '../core/errors.ts'
import type { HttpResponse } from '../http/message.ts'
import { registryError } from './answer.ts'
import type { Connection, RegistryRequest } from './connection.ts'

/** A repository that can be spoken to. */
export interface Target {
  readonly connection: Connection
  /** The repository's path at the host. */
  readonly repository: string
  /** As the user names it, for messages: `docker.io/library/debian`. */
  readonly label: string
  readonly signal: AbortSignal
  /** Gets the registry's limit on pulls in words, when an answer has it. */
  onLimit(this: void, limit: string): void
}

/** A request without what the target fills in. */
export type TargetRequest = Omit<RegistryRequest, 'repository'>

/** Sends a request to the target's repository; a relative URL is below `/v2/<repository>/`. */
export function sendTo(target: Target, request: TargetRequest): Promise<HttpResponse> {
  const { connection, repository, signal } = target
  const url = typeof request.url === 'string' ? `${repository}/${request.url}` : request.url
  return connection.send({ ...request, url, repository }, signal)
}

/** The error for an unwanted answer; `what` is a gerund with its object, `reading the manifest "latest"`. */
export async function failureOf(
  target: Target,
  response: HttpResponse,
  what: string,
  kind: 'read' | 'write' = 'read',
): Promise<WherryError> {
  const isLoggedIn = await target.connection.isLoggedIn(target.repository, target.signal)
  return registryError(response, { what, of: target.label, kind, isLoggedIn })
}
