/** A build from request to image: read, plan, run what is not cached, assemble, store, hand out. */
import { isAbsolute } from 'node:path'
import type { Digest } from '../core/digest.ts'
import { WherryError, isCancelled } from '../core/errors.ts'
import { eventVersion } from '../core/events.ts'
import { limiter } from '../core/schedule.ts'
import { type Scope, narrowScope } from '../core/scope.ts'
import { historyOf } from '../oci/config.ts'
import type { Layer } from '../oci/image.ts'
import { type Platform, hostPlatform } from '../oci/platform.ts'
import { isIndexWanted } from '../plan/buildkit-args.ts'
import type { Plan } from '../plan/contract.ts'
import type { Lease } from '../store/contract.ts'
import { assemble } from './assemble.ts'
import { openContext } from './context/context.ts'
import { presentDockerfile } from './context/present-dockerfile.ts'
import type { Fetching } from './context/fetch-folder.ts'
import type { Localised } from './context/local-request.ts'
import { shownNames } from './context/shown.ts'
import type { BuildRequest, BuildResult } from './contract.ts'
import type { BuildDeps } from './deps.ts'
import { createExplainer } from './explain/explainer.ts'
import type { BaseNote } from './explain/note.ts'
import { type Engine, type Session, createEngine, runLimiter } from './engine.ts'
import { type BuiltImage, checkForms } from './forms.ts'
import { type RunInputs, openInputs } from './inputs/inputs.ts'
import { createLayerAccess, localFormOf } from './layer-access.ts'
import { mergePlans } from './merge-plans.ts'
import { handOut } from './outputs.ts'
import { planBuild } from './plan.ts'
import { squash } from './squash.ts'
import { trackTemps } from './temps.ts'

/**
 * Builds an image.
 * @throws WherryError: `dockerfile-syntax` (all of them, as WherryErrors), `dockerfile-invalid`, `not-implemented`, `run-failed`,
 * `copy-failed`, and what registries and the host have to say
 */
export async function build(request: BuildRequest, deps: BuildDeps, scope: Scope): Promise<BuildResult> {
  const started = performance.now()
  scope.emit({
    type: 'build-started',
    version: eventVersion,
    ...shownNames(request),
  })
  const finish = (outcome: 'done' | 'failed' | 'cancelled'): void =>
    scope.emit({ type: 'build-finished', outcome, durationMs: Math.round(performance.now() - started) })
  // The first failure ends what else is under way.
  const failure = new AbortController()
  const inner = narrowScope(scope, failure.signal)
  const { store, clean } = trackTemps(deps.store)
  const lease = await store.lease()
  const inputs = openInputs(request, store, inner.signal)
  try {
    const tracked = { ...deps, store }
    const hold: Lease['hold'] = (...digests) => lease.hold(...digests)
    const fetching = { deps: tracked, scope: inner, secrets: inputs.secrets, hold }
    const result = await buildHeld({
      ...(await localised(request, fetching)),
      asked: request,
      deps: tracked,
      scope: inner,
      lease,
      inputs,
      fail: () => failure.abort(),
    })
    finish('done')
    return result
  } catch (error) {
    failure.abort()
    finish(isCancelled(error) ? 'cancelled' : 'failed')
    throw error
  } finally {
    await inputs.ssh.close()
    await clean()
    await lease.release()
  }
}

/** Loaded here: most contexts and Dockerfiles are on this machine. */
async function localised(request: BuildRequest, fetching: Fetching): Promise<Localised> {
  if (request.remote === undefined && isAbsolute(request.dockerfile))
    return { request: await presentDockerfile(request) }
  const { localRequest } = await import('./context/local-request.ts')
  return localRequest(request, fetching)
}

interface Held extends Localised {
  /** The request as it was made. */
  readonly asked: BuildRequest
  readonly deps: BuildDeps
  readonly scope: Scope
  readonly lease: Lease
  readonly inputs: RunInputs
  /** Ends what is under way. */
  fail(this: void): void
}

async function buildHeld(held: Held): Promise<BuildResult> {
  const { request, deps, scope } = held
  const platforms = request.platforms.length > 0 ? request.platforms : [hostPlatform()]
  checkForms(request, platforms)
  await deps.store.sweep()
  const bases: BaseNote[] = []
  const { secrets } = held.inputs
  const plans = await planBuild({ ...held, secrets, onBase: (base) => bases.push(base) }, platforms)
  const all = mergePlans(plans.map((plan, i) => ({ plan, platform: platforms[i]! })))
  scope.emit({ type: 'plan', steps: all.lines.map(({ step: _step, ...line }) => line) })
  const opened = openSession(held)
  const { context } = opened
  const { variableUses } = plans[0]!
  const explainer = createExplainer({
    plan: { ...all, variableUses },
    // The same build next time, wherever its files will be then.
    request: { ...request, ...shownNames(held.asked) },
    notes: deps.store.notes,
    bases,
    scope,
    context,
  })
  const session = { ...opened, watch: explainer, onError: request.onError }
  await explainer.begin()
  const engine = createEngine(all, session)
  const images = plans.map((plan, i) => builtImage(plan, platforms[i]!, { engine, session, request }))
  const built = await Promise.all(images).catch(async (error: unknown) => {
    // Temp files and the lease go when the last step has ended, not before.
    held.fail()
    await engine.settled()
    await explainer.finish()
    throw error
  })
  await explainer.finish()
  engine.skipUnasked()
  const isIndex = isIndexWanted(request, platforms.length)
  return handOut({ images: built, isIndex }, { request, session, lease: held.lease })
}

function openSession({ asked, request, deps, scope, lease, inputs }: Held): Session {
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
    const fetching = { deps, scope, secrets: inputs.secrets, hold }
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

interface Building {
  readonly engine: Engine
  readonly session: Session
  readonly request: BuildRequest
}

async function builtImage(plan: Plan, platform: Platform, building: Building): Promise<BuiltImage> {
  const { engine, session, request } = building
  await engine.stack(plan.target.tree)
  const image = await assemble(plan.target, {
    result: (id) => engine.result(id),
    layer: (diffId) => layerOf(session, diffId),
    firstMade: (key) => firstMade(session, key),
  })
  const parent = plan.target.base
  const base = { layers: parent?.layers.length ?? 0, history: parent ? historyOf(parent.config).length : 0 }
  const epoch = plan.epoch === undefined ? {} : { epoch: plan.epoch }
  return { platform, base, ...epoch, image: request.squash ? await squash(image, base, session) : image }
}

async function layerOf({ deps }: Session, diffId: Digest): Promise<Layer> {
  const blob = (await localFormOf(diffId, deps)) ?? (await deps.store.layers.get(diffId))?.forms[0]
  if (blob === undefined) throw new WherryError('blob-missing', `layer ${diffId} is not in the store`)
  return { diffId, blob }
}

async function firstMade({ deps }: Session, key: Digest): Promise<string> {
  const known = await deps.store.steps.get(key)
  if (known !== undefined) return known.createdAt
  const createdAt = new Date().toISOString()
  await deps.store.steps.put(key, { createdAt, fidelity: 'exact', description: 'image of metadata' })
  return createdAt
}
