/** What can be said of a Dockerfile without building it: what the checks find, its stages, its parameters. */
import { basename } from 'node:path'
import type { WherryError } from '../core/errors.ts'
import { asWherryError } from '../core/errors.ts'
import type { Scope } from '../core/scope.ts'
import { type Finding, noChecks } from '../dockerfile/checks/checks.ts'
import { parseChecked } from '../dockerfile/checks/parse-checked.ts'
import type { Dockerfile } from '../dockerfile/instructions.ts'
import { parseDockerfile } from '../dockerfile/parse.ts'
import { emptyConfig } from '../oci/config.ts'
import type { Image } from '../oci/image.ts'
import type { Platform } from '../oci/platform.ts'
import { lower } from '../plan/lower.ts'
import { type Outline, outlineOf } from '../plan/outline.ts'
import type { Lease } from '../store/contract.ts'
import type { TransferDeps } from '../transfer/deps.ts'
import type { BuildRequest } from './contract.ts'
import { planOptions, readDockerfile } from './plan.ts'

/** What was found in a Dockerfile. */
export interface CheckResult {
  readonly text: string
  readonly findings: readonly Finding[]
  /** Why it cannot be built; an error that the findings are (`error=true`) is one too. */
  readonly error?: WherryError
}

/**
 * Makes all build checks: on every stage, or on what the target needs. Nothing is run, no layer is fetched. A base image that
 * cannot be reached is told of and taken for one that sets nothing.
 * @throws WherryError only for what is not the Dockerfile's matter: `io`, `cancelled`, `context-invalid`
 */
export async function checkBuild(request: BuildRequest, deps: TransferDeps, scope: Scope): Promise<CheckResult> {
  const text = await readDockerfile(request.dockerfile)
  const parsed = parseChecked(text, { file: basename(request.dockerfile), buildArgs: request.buildArgs })
  const { checks, dockerfile } = parsed
  if (dockerfile === undefined) return { text, findings: checks.found(), error: parsed.error }
  return withLease(deps, async (lease) => {
    const options = await planOptions({ request, deps, scope, lease })
    const allStages = request.target === undefined || request.target === ''
    const error = await failureOf(async () => {
      const plan = await lower(dockerfile, { ...options, ...tolerant(options, scope), checks, allStages })
      for (const { message, at } of plan.warnings) scope.emit({ type: 'warning', message, at })
    })
    return { text, findings: checks.found(), ...(error && { error }) }
  })
}

/** The stages of a Dockerfile, in their order. @throws as `parseDockerfile` */
export async function readStages(request: BuildRequest): Promise<{ text: string; stages: Dockerfile['stages'] }> {
  const text = await readDockerfile(request.dockerfile)
  return { text, stages: parseDockerfile(text, { file: basename(request.dockerfile) }).stages }
}

/** The parameters of a build. @throws as `build`, while it plans */
export async function outlineBuild(
  request: BuildRequest,
  deps: TransferDeps,
  scope: Scope,
): Promise<{ text: string; outline: Outline }> {
  const text = await readDockerfile(request.dockerfile)
  const dockerfile = parseDockerfile(text, { file: basename(request.dockerfile) })
  return withLease(deps, async (lease) => {
    const options = await planOptions({ request, deps, scope, lease })
    const plan = await lower(dockerfile, { ...options, ...tolerant(options, scope), checks: noChecks })
    return { text, outline: outlineOf(dockerfile, plan, request.buildArgs) }
  })
}

async function withLease<T>({ store }: TransferDeps, work: (lease: Lease) => Promise<T>): Promise<T> {
  const lease = await store.lease()
  try {
    return await work(lease)
  } finally {
    await lease.release()
  }
}

async function failureOf(work: () => Promise<unknown>): Promise<WherryError | undefined> {
  try {
    await work()
    return undefined
  } catch (thrown) {
    const error = asWherryError(thrown)
    if (error.code === 'cancelled' || error.code === 'internal') throw thrown
    return error
  }
}

type Resolving = Pick<Awaited<ReturnType<typeof planOptions>>, 'resolveBase'>

/** A look-up of bases that gives a stand-in for what cannot be reached. */
function tolerant({ resolveBase }: Resolving, scope: Scope): Resolving & { readonly unknownBases: ReadonlySet<Image> } {
  const unknownBases = new Set<Image>()
  const resolve = async (name: string, platform: Platform): Promise<Image> => {
    try {
      return await resolveBase(name, platform)
    } catch (error) {
      const { code, message } = asWherryError(error)
      if (!['network', 'registry', 'auth-failed'].includes(code)) throw error
      const told = `the base image ${name} cannot be looked up, so what depends on its config is not checked: ${message}`
      scope.emit({ type: 'warning', message: told })
      const image: Image = { config: emptyConfig(platform), layers: [], annotations: {} }
      unknownBases.add(image)
      return image
    }
  }
  return { resolveBase: resolve, unknownBases }
}
