/** What the steps of one build share, made from its request. */
import { limiter } from '../core/schedule.ts'
import type { Scope } from '../core/scope.ts'
import type { Lease } from '../store/contract.ts'
import { openContext } from './context/context.ts'
import type { BuildRequest } from './contract.ts'
import type { BuildDeps } from './deps.ts'
import { type Session, runLimiter } from './engine.ts'
import type { RunInputs } from './inputs/inputs.ts'
import { createLayerAccess } from '../transfer/layer-access.ts'

/** What a session is opened with. */
export interface SessionParts {
  /** The request as it was made, and with everything on this machine. */
  readonly asked: BuildRequest
  readonly request: BuildRequest
  readonly deps: BuildDeps
  readonly scope: Scope
  readonly lease: Lease
  readonly inputs: RunInputs
}

/** A session; contexts are opened when a step asks for them. */
export function openSession({ asked, request, deps, scope, lease, inputs }: SessionParts): Session {
  const opened = new Map<string | undefined, ReturnType<Session['context']>>()
  const open = async (name: string | undefined): ReturnType<Session['context']> => {
    // What was fetched is somewhere else next time.
    const cacheOf = (isOwn: boolean): { cacheDir?: string } => (isOwn ? { cacheDir: deps.store.contextDir } : {})
    if (name === undefined) {
      const { context: directory, dockerfile, ignoreFile } = request
      const ignore = ignoreFile === undefined ? {} : { ignoreFile }
      return openContext({ directory, dockerfile, ...ignore, ...cacheOf(asked.remote === undefined) }, scope)
    }
    const hold: Lease['hold'] = (...digests) => lease.hold(...digests)
    const fetching = { deps, scope, secrets: inputs.secrets, ssh: inputs.ssh, hold }
    // Loaded here: few builds have named contexts.
    const { contextFolder } = await import('./context/named.ts')
    const { folder: directory, isOwn } = await contextFolder(name, request.contexts?.[name], fetching)
    return openContext({ directory, ...(isOwn ? {} : { ignoreFile: false }), ...cacheOf(isOwn) }, scope)
  }
  return {
    deps,
    scope,
    layers: createLayerAccess(deps, scope),
    context: (name) => {
      const known = opened.get(name) ?? open(name)
      opened.set(name, known)
      return known
    },
    inputs,
    runLimit: runLimiter(),
    unpackLimit: limiter(1),
    hold: (...digests) => lease.hold(...digests),
  }
}
