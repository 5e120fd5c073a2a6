/** Layers leave for the registry while later steps still run: when the last step is done, most of the image is there. */
import type { Scope } from '../core/scope.ts'
import { limiter } from '../core/schedule.ts'
import { parseReference } from '../oci/reference.ts'
import type { Plan } from '../plan/contract.ts'
import type { BuildRequest, ImageOutput } from './contract.ts'
import type { BuildDeps } from './deps.ts'
import type { StepWatch } from './engine.ts'
import { localFormOf } from '../transfer/layer-access.ts'

/** Pushes at once: compressing them must leave processors to the steps. */
const parallel = 2

/** Is told of steps as their results come. */
export interface EarlyPush extends Pick<StepWatch, 'made'> {
  /** Resolves when nothing is under way any more. What failed is said by the push of the whole image. */
  settled(): Promise<void>
}

/** Pushes layers early for every output that takes them as the steps make them. */
export function earlyPush(
  request: BuildRequest,
  plans: readonly Pick<Plan, 'target'>[],
  { deps, scope }: { readonly deps: BuildDeps; readonly scope: Scope },
): EarlyPush {
  const outputs = request.squash ? [] : request.outputs.filter(isTakenAsMade)
  const steps = new Set(plans.flatMap(({ target }) => target.history.map(({ step }) => step)))
  const limit = limiter(parallel)
  const pending: Promise<void>[] = []
  const push = async (output: ImageOutput, diffId: Parameters<typeof localFormOf>[0]): Promise<void> => {
    const blob = await localFormOf(diffId, deps)
    // What is elsewhere is mounted or passed on by the push of the whole.
    if (blob === undefined) return
    const { placeLayer } = await import('../transfer/push.ts')
    const { packing } = output.form
    for (const name of output.names) {
      const { registry, repository } = parseReference(name)
      const alone = { image: { config: { raw: {} }, layers: [], annotations: {} }, packing }
      await placeLayer({ diffId, blob }, alone, { reference: { registry, repository }, deps, scope })
    }
  }
  return {
    made: (step, { diffId }) => {
      if (!steps.has(step.id)) return
      for (const output of outputs) pending.push(limit(() => push(output, diffId)).catch(() => undefined))
    },
    settled: async () => {
      await Promise.all(pending)
    },
  }
}

function isTakenAsMade(output: BuildRequest['outputs'][number]): output is ImageOutput {
  return output.type === 'image' && output.push !== 'no' && !output.form.rewriteTimestamp
}
