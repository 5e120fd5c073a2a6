/** A build from request to image: read, plan, run what is not cached, assemble, store, hand out. */
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Digest } from '../core/digest.ts'
import { WherryError, errnoOf, isCancelled } from '../core/errors.ts'
import { eventVersion } from '../core/events.ts'
import { limiter } from '../core/schedule.ts'
import { type Scope, narrowScope } from '../core/scope.ts'
import { parseDockerfile } from '../dockerfile/parse.ts'
import { type Image, type Layer, configDocument, manifestDocument } from '../oci/image.ts'
import { hostPlatform } from '../oci/platform.ts'
import { lower } from '../plan/lower.ts'
import type { Plan } from '../plan/contract.ts'
import type { Lease } from '../store/contract.ts'
import { assemble } from './assemble.ts'
import { baseResolver } from './base-images.ts'
import { openContext } from './context/context.ts'
import type { BuildRequest, BuildResult } from './contract.ts'
import type { BuildDeps } from './deps.ts'
import { type Engine, type Session, createEngine, runLimiter } from './engine.ts'
import { createLayerAccess, localFormOf } from './layer-access.ts'
import { trackTemps } from './temps.ts'

/**
 * Builds an image.
 * @throws WherryError: `dockerfile-syntax` (all of them, as WherryErrors), `dockerfile-invalid`, `not-implemented`, `run-failed`,
 * `copy-failed`, and what registries and the host have to say
 */
export async function build(request: BuildRequest, deps: BuildDeps, scope: Scope): Promise<BuildResult> {
  const started = performance.now()
  scope.emit({ type: 'build-started', version: eventVersion, dockerfile: request.dockerfile, context: request.context })
  const finish = (outcome: 'done' | 'failed' | 'cancelled'): void =>
    scope.emit({ type: 'build-finished', outcome, durationMs: Math.round(performance.now() - started) })
  // The first failure ends what else is under way.
  const failure = new AbortController()
  const inner = narrowScope(scope, failure.signal)
  const { store, clean } = trackTemps(deps.store)
  const lease = await store.lease()
  try {
    const result = await buildHeld({
      request,
      deps: { ...deps, store },
      scope: inner,
      lease,
      fail: () => failure.abort(),
    })
    finish('done')
    return result
  } catch (error) {
    failure.abort()
    finish(isCancelled(error) ? 'cancelled' : 'failed')
    throw error
  } finally {
    await clean()
    await lease.release()
  }
}

interface Held {
  readonly request: BuildRequest
  readonly deps: BuildDeps
  readonly scope: Scope
  readonly lease: Lease
  /** Ends what is under way. */
  fail(this: void): void
}

async function buildHeld(held: Held): Promise<BuildResult> {
  const { request, deps, scope } = held
  await deps.store.sweep()
  const plan = await planOf(held)
  for (const { message, at } of plan.warnings) scope.emit({ type: 'warning', message, at })
  scope.emit({ type: 'plan', steps: plan.lines.map(({ step: _step, ...line }) => line) })
  const session = openSession(held)
  const engine = createEngine(plan, session)
  const image = await imageOf(plan, engine, session).catch(async (error: unknown) => {
    // Temp files and the lease go when the last step has ended, not before.
    held.fail()
    await engine.settled()
    throw error
  })
  engine.skipUnasked()
  const result = await storeImage(image, held)
  scope.emit({ type: 'image', id: result.id, manifest: result.manifest.digest, tags: result.tags })
  // Loaded here: most builds only store their image.
  if (request.outputs.length > 0) {
    const { writeOutputs } = await import('./outputs.ts')
    await writeOutputs(image, { request, session })
  }
  if (request.push) {
    const { pushAll } = await import('./push.ts')
    await pushAll(image, { request, deps, scope })
  }
  return result
}

async function planOf({ request, deps, scope, lease }: Held): Promise<Plan> {
  const dockerfile = parseDockerfile(await readDockerfile(request.dockerfile), { file: basename(request.dockerfile) })
  const host = hostPlatform()
  return lower(dockerfile, {
    target: request.target,
    buildArgs: request.buildArgs,
    labels: request.labels,
    env: request.env,
    unsetEnv: request.unsetEnv,
    unsetLabels: request.unsetLabels,
    buildPlatform: host,
    targetPlatform: request.platforms[0] ?? host,
    isPlatformGiven: request.platforms.length > 0,
    network: request.network,
    noCache: request.noCache,
    noCacheStages: request.noCacheStages,
    epoch: request.sourceDateEpoch,
    resolveBase: baseResolver({ request, deps, scope, lease }),
  })
}

async function readDockerfile(path: string): Promise<string> {
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

function openSession({ request, deps, scope, lease }: Held): Session {
  let context: ReturnType<Session['context']> | undefined
  return {
    deps,
    scope,
    layers: createLayerAccess(deps, scope),
    context: (name) => {
      if (name !== undefined) throw new WherryError('internal', `no context is named ${name}`)
      context ??= openContext(
        { directory: request.context, dockerfile: request.dockerfile, cacheDir: deps.store.contextDir },
        scope,
      )
      return context
    },
    runLimit: runLimiter(),
    unpackLimit: limiter(1),
    hold: (...digests) => lease.hold(...digests),
  }
}

async function imageOf(plan: Plan, engine: Engine, session: Session): Promise<Image> {
  await engine.stack(plan.target.tree)
  return assemble(plan.target, {
    epoch: plan.epoch,
    result: (id) => engine.result(id),
    layer: (diffId) => layerOf(session, diffId),
    firstMade: (key) => firstMade(session, key),
  })
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

async function storeImage(image: Image, { request, deps, lease }: Held): Promise<BuildResult> {
  const config = configDocument(image)
  const manifest = manifestDocument(image, config.descriptor)
  await lease.hold(config.descriptor.digest, manifest.descriptor.digest)
  const { digest: id } = config.descriptor
  await deps.store.images.put({ id, manifest: manifest.descriptor, documents: [config, manifest] }, request.tags)
  return { id, manifest: manifest.descriptor, tags: request.tags }
}
