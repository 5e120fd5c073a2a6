/** A process over an image, in the foreground; what it changes is dropped. */
import { limiter } from '../core/schedule.ts'
import type { Scope } from '../core/scope.ts'
import { WherryError } from '../core/errors.ts'
import { diffIdsOf, runtimeOf } from '../oci/config.ts'
import type { Image } from '../oci/image.ts'
import type { BuildDeps } from './deps.ts'
import { runLimiter, type Session } from './engine.ts'
import { openInputs } from './inputs/inputs.ts'
import { createLayerAccess } from '../transfer/layer-access.ts'
import { materialize } from './materialize.ts'

/** What to run, and what differs from the image's config. */
export interface RunImageRequest {
  readonly image: Image
  /** Replaces CMD, if not empty. */
  readonly command: readonly string[]
  /** Replaces ENTRYPOINT; then the image's CMD does not count. */
  readonly entrypoint?: readonly string[]
  /** `NAME=value`, each in the place of the image's variable of that name. */
  readonly env: readonly string[]
  readonly user?: string
  readonly workdir?: string
  readonly hostname: string
  readonly network: 'host' | 'none'
}

/**
 * Runs the image's command and returns its exit code.
 * @throws WherryError `usage` if the image names no command; what trees/ throws
 */
export async function runImage(request: RunImageRequest, deps: BuildDeps, scope: Scope): Promise<number> {
  const config = runtimeOf(request.image.config)
  const lease = await deps.store.lease()
  try {
    const diffIds = diffIdsOf(request.image.config)
    await lease.hold(...diffIds)
    const session: Session = {
      deps,
      scope,
      layers: createLayerAccess(deps, scope),
      context: () => Promise.reject(new WherryError('internal', 'a run has no build context')),
      inputs: openInputs({}, deps.store, scope.signal),
      runLimit: runLimiter(),
      unpackLimit: limiter(1),
      hold: (...digests) => lease.hold(...digests),
    }
    const layers = await materialize(session, diffIds)
    const { hostname, network } = request
    const run = {
      layers,
      args: argsOf(request),
      env: mergeEnv(config.env, request.env),
      cwd: request.workdir ?? (config.workingDir || '/'),
      user: request.user ?? config.user,
      network,
      hostname,
      extraHosts: [],
      foreground: true,
    }
    const { exitCode } = await deps.trees.run(run, () => undefined, scope)
    return exitCode
  } finally {
    await lease.release()
  }
}

function argsOf({ image, command, entrypoint }: RunImageRequest): string[] {
  const config = runtimeOf(image.config)
  const cmd = command.length > 0 || entrypoint !== undefined ? command : (config.cmd ?? [])
  const args = [...(entrypoint ?? config.entrypoint ?? []), ...cmd]
  if (args.length > 0) return args
  throw new WherryError('usage', 'the image has neither CMD nor ENTRYPOINT', {
    hint: 'Name a command after the image.',
  })
}

/** Variables of the image with others set over them. */
function mergeEnv(base: readonly string[], over: readonly string[]): string[] {
  const nameOf = (line: string): string => line.split('=', 1)[0] ?? ''
  return [...new Map([...base, ...over].map((line) => [nameOf(line), line])).values()]
}
