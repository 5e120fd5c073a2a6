/** The image of one platform: the results of its plan's steps, put together. */
import type { Digest } from '../core/digest.ts'
import { WherryError } from '../core/errors.ts'
import { historyOf } from '../oci/config.ts'
import type { Layer } from '../oci/image.ts'
import type { Platform } from '../oci/platform.ts'
import { wantsInlineCache } from '../plan/buildkit-args.ts'
import type { Plan, PlannedImage } from '../plan/contract.ts'
import type { StepRecord } from '../store/contract.ts'
import { assemble } from './assemble.ts'
import type { BuildRequest } from './contract.ts'
import type { Engine, Session } from './engine.ts'
import type { BuiltImage } from './forms.ts'
import { localFormOf } from '../transfer/layer-access.ts'
import { squash } from './squash.ts'

/** What an image is built with. */
export interface Building {
  readonly engine: Engine
  readonly session: Session
  readonly request: BuildRequest
}

/** Builds what the plan's target needs. @throws what steps throw, at their instruction */
export async function builtImage(plan: Plan, platform: Platform, building: Building): Promise<BuiltImage> {
  const { engine, session, request } = building
  await engine.stack(plan.target.tree)
  const records = new Map<Digest, StepRecord>()
  const image = await assemble(plan.target, {
    result: async (id) => {
      const result = await engine.result(id)
      records.set(await engine.key(id), { ...result, description: plan.steps.get(id)!.text })
      return result
    },
    layer: (diffId) => layerOf(session, diffId),
    firstMade: async (key) => {
      const createdAt = await firstMade(session, key)
      records.set(key, { createdAt, ...ofMetadata })
      return createdAt
    },
  })
  const parent = plan.target.base
  const base = { layers: parent?.layers.length ?? 0, history: parent ? historyOf(parent.config).length : 0 }
  const epoch = plan.epoch === undefined ? {} : { epoch: plan.epoch }
  const whole = request.squash ? await squash(image, base, session) : image
  // One layer stands for all steps of a squashed image.
  const runtimes = request.squash ? {} : runtimesOf(plan.target)
  const built = { platform, base, ...epoch, ...runtimes }
  if (!request.inlineCache && !wantsInlineCache(request)) return { ...built, image: whole }
  // Loaded here: few images are their own cache.
  const { withInlineRecords } = await import('./cache/inline.ts')
  return { ...built, image: withInlineRecords(whole, records) }
}

/** The config after each of the target's instructions, if the plan has them all. */
function runtimesOf({ history }: PlannedImage): Pick<BuiltImage, 'runtimes'> {
  const runtimes = history.map(({ runtime }) => runtime).filter((runtime) => runtime !== undefined)
  return runtimes.length > 0 && runtimes.length === history.length ? { runtimes } : {}
}

async function layerOf({ deps }: Session, diffId: Digest): Promise<Layer> {
  const blob = (await localFormOf(diffId, deps)) ?? (await deps.store.layers.get(diffId))?.forms[0]
  if (blob === undefined) throw new WherryError('blob-missing', `layer ${diffId} is not in the store`)
  return { diffId, blob }
}

/** The record of an image without layers of its own. */
const ofMetadata = { fidelity: 'exact', description: 'image of metadata' } as const

async function firstMade({ deps }: Session, key: Digest): Promise<string> {
  const known = await deps.store.steps.get(key)
  if (known !== undefined) return known.createdAt
  const createdAt = new Date().toISOString()
  await deps.store.steps.put(key, { createdAt, ...ofMetadata })
  return createdAt
}
