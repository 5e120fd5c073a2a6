/** A build from request to image: read, plan, run what is not cached, assemble, store, hand out. */
import { isCancelled } from '../core/errors.ts'
import { eventVersion } from '../core/events.ts'
import { type Scope, narrowScope, throwIfCancelled } from '../core/scope.ts'
import { hostPlatform } from '../oci/platform.ts'
import { isIndexWanted } from '../plan/buildkit-args.ts'
import type { Lease } from '../store/contract.ts'
import { builtImage } from './built-image.ts'
import { type BuildCaches, openCaches } from './cache/caches.ts'
import { withoutLostLayers } from './cache/lost-layers.ts'
import type { Localised } from './context/local-request.ts'
import { shownNames } from './context/shown.ts'
import type { BuildRequest, BuildResult } from './contract.ts'
import type { BuildDeps } from './deps.ts'
import { earlyPush } from './early-push.ts'
import { createExplainer } from './explain/explainer.ts'
import type { BaseNote } from './explain/note.ts'
import { type StepWatch, createEngine } from './engine.ts'
import { checkForms } from './forms.ts'
import { openInputs } from './inputs/inputs.ts'
import { mergePlans } from './merge-plans.ts'
import { handOut } from './outputs.ts'
import { localised } from './local.ts'
import { planBuild } from './plan.ts'
import { planEvent, stagesOf } from './plan-event.ts'
import { checkPushes } from './preflight.ts'
import { recordedScope } from './record.ts'
import { type SessionParts, openSession } from './session.ts'
import { trackTemps } from './temps.ts'

/**
 * Builds an image.
 * @throws WherryError: `dockerfile-syntax` (all of them, as WherryErrors), `dockerfile-invalid`, `not-implemented`, `run-failed`,
 * `copy-failed`, and what registries and the host have to say
 */
export async function build(request: BuildRequest, deps: BuildDeps, asked: Scope): Promise<BuildResult> {
  const started = performance.now()
  const { scope, save } = recordedScope(asked, deps.store)
  scope.emit({
    type: 'build-started',
    version: eventVersion,
    ...shownNames(request),
  })
  const finish = (outcome: 'done' | 'failed' | 'cancelled'): void =>
    scope.emit({ type: 'build-finished', outcome, durationMs: Math.round(performance.now() - started) })
  const ended = new AbortController()
  const inner = narrowScope(scope, ended.signal)
  const { store, clean } = trackTemps(deps.store)
  const lease = await store.lease()
  const inputs = openInputs(request, store, inner.signal)
  try {
    const hold: Lease['hold'] = (...digests) => lease.hold(...digests)
    const caches = openCaches(request, { ...deps, store, hold }, inner)
    const tracked = { ...deps, store: caches.store }
    const fetching = { deps: tracked, scope: inner, secrets: inputs.secrets, ssh: inputs.ssh, hold }
    const local = await localised(request, fetching)
    const parts = { ...local, asked: request, deps: tracked, lease, inputs, caches }
    const result = await withoutLostLayers(caches, inner, (attempt) => buildHeld({ ...parts, ...attempt }))
    finish('done')
    return result
  } catch (error) {
    ended.abort()
    finish(isCancelled(error) ? 'cancelled' : 'failed')
    throw error
  } finally {
    await save()
    await inputs.ssh.close()
    await clean()
    await lease.release()
  }
}

interface Held extends Localised, SessionParts {
  readonly caches: BuildCaches
  /** Ends what is under way. */
  fail(this: void): void
}

async function buildHeld(held: Held): Promise<BuildResult> {
  const { request, deps, scope } = held
  const platforms = request.platforms.length > 0 ? request.platforms : [hostPlatform()]
  checkForms(request, platforms)
  const allowed = checkPushes(request, deps.registry, scope)
  // Waited for below, when bases have been asked for meanwhile.
  allowed.catch(() => undefined)
  await deps.store.sweep()
  const bases: BaseNote[] = []
  const { secrets, ssh } = held.inputs
  const plans = await planBuild({ ...held, secrets, ssh, onBase: (base) => bases.push(base) }, platforms)
  await allowed
  const all = mergePlans(plans.map((plan, i) => ({ plan, platform: platforms[i]! })))
  scope.emit(planEvent(all, stagesOf(plans, platforms)))
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
  const early = earlyPush(request, plans, { deps, scope })
  const made: StepWatch['made'] = (step, result) => {
    explainer.made(step, result)
    early.made(step, result)
  }
  const { beginMount } = held.caches
  const session = { ...opened, beginMount, watch: { ...explainer, made }, onError: request.onError }
  await explainer.begin()
  const engine = createEngine(all, session)
  held.caches.askAhead(all, engine)
  const images = plans.map((plan, i) => builtImage(plan, platforms[i]!, { engine, session, request }))
  const built = await Promise.all(images).catch(async (error: unknown) => {
    // Temp files and the lease go when the last step has ended, not before.
    held.fail()
    await Promise.all([engine.settled(), early.settled()])
    await explainer.finish()
    throw error
  })
  await explainer.finish()
  engine.skipUnasked()
  // What was made is kept for the next build, but no name moves to it.
  throwIfCancelled(scope)
  const isIndex = isIndexWanted(request, platforms.length)
  const handing = { request, session, lease: held.lease }
  const result = await handOut({ images: built, isIndex }, handing).catch(async (error: unknown) => {
    held.fail()
    await early.settled()
    throw error
  })
  const { caches: beginnings } = held.inputs
  await held.caches.export({ plan: all, engine, images: built.map(({ image }) => image), beginnings }, scope)
  return result
}
