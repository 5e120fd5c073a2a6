/** From a request to a plan: reads the Dockerfile and the ignore file, makes the build checks, looks up the base images. */
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { WherryError, errnoOf } from '../core/errors.ts'
import type { Scope } from '../core/scope.ts'
import { type Checks, noChecks } from '../dockerfile/checks/checks.ts'
import { parseChecked } from '../dockerfile/checks/parse-checked.ts'
import { ruleOf, ruleUrl } from '../dockerfile/checks/rules.ts'
import { type Platform, hostPlatform } from '../oci/platform.ts'
import type { Plan, PlanOptions } from '../plan/contract.ts'
import { lower } from '../plan/lower.ts'
import type { Lease } from '../store/contract.ts'
import type { TransferDeps } from '../transfer/deps.ts'
import { baseResolver } from './base-images.ts'
import type { ImageSources } from './context/named.ts'
import { findIgnore } from './context/ignore-source.ts'
import type { BuildRequest } from './contract.ts'
import type { BuildDeps } from './deps.ts'
import type { BaseNote } from './explain/note.ts'
import type { Secrets } from './inputs/secrets.ts'
import type { SshAgents } from './inputs/ssh.ts'
import { sourceEpoch } from './source-epoch.ts'

/** What a plan is made with. */
export interface Planning {
  readonly request: BuildRequest
  readonly deps: TransferDeps
  readonly scope: Scope
  readonly lease: Lease
  /** Is told what a base image's name stands for. */
  readonly onBase?: (base: BaseNote) => void
}

/**
 * Plans a build, for each platform. What the checks find is emitted as warnings, also where a plan fails; what one platform is
 * warned of, all are.
 * @throws as `build`
 */
export async function planBuild(
  planning: Planning & {
    readonly deps: BuildDeps
    readonly secrets: Secrets
    readonly ssh?: SshAgents
    readonly contextTime?: number
  },
  platforms: readonly Platform[],
): Promise<Plan[]> {
  const { request, scope } = planning
  const file = basename(request.dockerfile)
  const parsed = parseChecked(await readDockerfile(request.dockerfile), { file, buildArgs: request.buildArgs })
  const { checks, dockerfile, error } = parsed
  try {
    if (dockerfile === undefined) throw error
    const options: PlanOptions = {
      ...(await planOptions(planning)),
      resolveEpoch: (source) =>
        sourceEpoch(
          source,
          { contextTime: planning.contextTime, contexts: request.contexts },
          { ...planning, hold: (...digests) => planning.lease.hold(...digests) },
        ),
    }
    const plans = platforms.map((targetPlatform, i) =>
      lower(dockerfile, { ...options, targetPlatform, checks: i === 0 ? checks : noChecks }),
    )
    const all = await Promise.all(plans)
    for (const { message, at } of all[0]?.warnings ?? []) scope.emit({ type: 'warning', message, at })
    return all
  } finally {
    emitFindings(checks, scope)
  }
}

/** What lowering needs of a request, for its first platform. */
export async function planOptions(planning: Planning): Promise<PlanOptions> {
  const { request } = planning
  const host = hostPlatform()
  const { matcher } = await findIgnore(request.context, request)
  const { contexts } = request
  const resolveBase = baseResolver(planning)
  return {
    target: request.target,
    buildArgs: request.buildArgs,
    labels: request.labels,
    env: request.env,
    unsetEnv: request.unsetEnv,
    unsetLabels: request.unsetLabels,
    buildPlatform: host,
    targetPlatform: request.platforms[0] ?? host,
    isPlatformGiven: request.platforms.length > 0,
    compatVolumes: request.compatVolumes,
    network: request.network,
    run: request.run,
    noCache: request.noCache,
    noCacheStages: request.noCacheStages,
    ignore: matcher,
    resolveBase,
    ...(await namedContexts(contexts, { ...planning, resolveBase })),
  }
}

/** Loaded here: few builds have named contexts. */
async function namedContexts(
  contexts: BuildRequest['contexts'],
  sources: ImageSources,
): Promise<Pick<PlanOptions, 'namedContext'>> {
  if (contexts === undefined || Object.keys(contexts).length === 0) return {}
  const { contextFinder } = await import('./context/named.ts')
  return { namedContext: contextFinder(contexts, sources) }
}

function emitFindings(checks: Checks, scope: Scope): void {
  for (const { rule, message, at } of checks.found()) {
    const url = ruleUrl(rule)
    const { description } = ruleOf(rule)
    scope.emit({ type: 'warning', message, at, rule, description, ...(url !== undefined && { url }) })
  }
}

/** The text of a Dockerfile. @throws WherryError `dockerfile-invalid` if it is not there, `io` */
export async function readDockerfile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (errnoOf(cause) !== 'ENOENT') throw new WherryError('io', `cannot read ${path}: ${String(cause)}`, { cause })
    throw new WherryError('dockerfile-invalid', `there is no Dockerfile at ${path}`, {
      cause,
      hint: 'Name it with -f FILE.',
    })
  }
}
