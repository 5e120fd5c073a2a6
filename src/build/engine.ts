/**
 * The engine: results of steps on demand, from the target down. A step whose key has a record asks nothing of its inputs'
 * contents, so a cached stage is never looked into. Steps that do not depend on each other run at once.
 */
import { cpus } from 'node:os'
import type { Digest } from '../core/digest.ts'
import { isCancelled, withRange } from '../core/errors.ts'
import { limiter, type Limiter } from '../core/schedule.ts'
import type { Scope } from '../core/scope.ts'
import type { Plan, RunStep, Step, TreeRef } from '../plan/contract.ts'
import { inputsOf, renewedSteps } from '../plan/reach.ts'
import type { StepRecord } from '../store/contract.ts'
import type { BuildContext } from './context/context.ts'
import type { BuildDeps } from './deps.ts'
import type { RunInputs } from './inputs/inputs.ts'
import { type KeyInputs, stackKey, stackedKey, stepKey } from './keys.ts'
import type { LayerAccess } from './layer-access.ts'
import { type StepLog, stepLog } from './step-log.ts'
import { type CopySelection, copySelection, runCopyStep } from './steps/copy.ts'
import { type MountStack, mountDigests, mountStacks } from './steps/mounts.ts'
import { runRunStep } from './steps/run.ts'
import { runWorkdirStep } from './steps/workdir.ts'

/** What a step made. */
export interface StepResult {
  readonly diffId: Digest
  readonly createdAt: string
  readonly fidelity: 'exact' | 'emulated'
}

/** Everything that the steps of one build share. */
export interface Session {
  readonly deps: BuildDeps
  readonly scope: Scope
  readonly layers: LayerAccess
  /** The build context, or the named one. */
  readonly context: (name?: string) => Promise<BuildContext>
  /** Secrets and ssh agents. */
  readonly inputs: RunInputs
  readonly runLimit: Limiter
  /** Of one: unpacking. */
  readonly unpackLimit: Limiter
  /** Holds what the build uses, until it ends. */
  hold(...digests: Digest[]): Promise<void>
}

/** Gives the results of a plan's steps. */
export interface Engine {
  result(id: Digest): Promise<StepResult>
  /** DiffIDs of a tree's layers, lowest first. */
  stack(tree: TreeRef): Promise<Digest[]>
  /** Resolves when nothing that was started is under way any more, however it ended. */
  settled(): Promise<void>
  /** Reports the steps that nothing asked for, because what uses them was cached. */
  skipUnasked(): void
}

/** Steps that may run at once: as many as there are processors, two at least so that a sleeping one blocks nobody. */
export function runLimiter(): Limiter {
  return limiter(Math.max(4, cpus().length))
}

/** An engine for a plan. */
export function createEngine(plan: Pick<Plan, 'steps' | 'lines'>, session: Session): Engine {
  const keys = new Map<Digest, Promise<Digest>>()
  const results = new Map<Digest, Promise<StepResult>>()
  const log = stepLog(plan, session.scope)
  const renewed = renewedSteps(plan.steps)
  const hasRun = [...plan.steps.values()].some((step) => step.kind === 'run')

  const once = <T>(known: Map<Digest, Promise<T>>, id: Digest, make: (step: Step) => Promise<T>): Promise<T> => {
    const made = known.get(id) ?? make(plan.steps.get(id)!)
    known.set(id, made)
    return made
  }
  const treeKey = async (tree: TreeRef): Promise<Digest> => {
    if (tree.kind === 'base') return stackKey(tree.diffIds)
    return tree.kind === 'step' ? key(tree.id) : stackedKey(await treeKey(tree.below), await key(tree.id))
  }
  const key = (id: Digest): Promise<Digest> =>
    once(keys, id, async (step) => {
      const [input, ...others] = await Promise.all(inputsOf(step).map(treeKey))
      if (step.kind !== 'copy' || step.from.kind === 'tree') return stepKey(step, { input: input!, others })
      return stepKey(step, { input: input!, selection: (await selection(step)).digest })
    })
  const selections = new Map<Digest, Promise<CopySelection>>()
  const selection = (step: Step & { kind: 'copy' }): Promise<CopySelection> =>
    once(selections, step.id, async () =>
      copySelection(step, step.from.kind === 'tree' ? await stack(step.from.tree) : [], session),
    )
  const stack = async (tree: TreeRef): Promise<Digest[]> => {
    if (tree.kind === 'base') return [...tree.diffIds]
    const under = tree.kind === 'stacked' ? tree.below : plan.steps.get(tree.id)!.input
    const [below, made] = await Promise.all([stack(under), result(tree.id)])
    return [...below, made.diffId]
  }
  const result = (id: Digest): Promise<StepResult> => once(results, id, (step) => settle(step))
  const settle = async (step: Step): Promise<StepResult> => {
    const definition = await ranged(step, () => key(step.id))
    const known = renewed.has(step.id) ? undefined : await usableRecord(definition, session)
    if (known !== undefined) return log.cached(step, known)
    if (hasRun) session.deps.trees.warm()
    // Asked for together, so that stages that do not depend on each other run at once.
    const [input, selected, mounts] = await Promise.all([
      stack(step.input),
      step.kind === 'copy' ? ranged(step, () => selection(step)) : undefined,
      step.kind === 'run' ? mountStacks(step.mounts, stack) : [],
    ])
    const content: KeyInputs = {
      input: stackKey(input),
      ...(selected !== undefined && { selection: selected.digest }),
      ...(step.kind === 'run' && { others: await ranged(step, () => mountDigests(step.mounts, mounts, session)) }),
    }
    const contentKey = stepKey(step, content)
    const same = step.fresh ? undefined : await usableRecord(contentKey, session)
    if (same !== undefined) {
      await session.deps.store.steps.put(definition, same)
      return log.cached(step, resultOf(same))
    }
    return log.running(step, async (output) => {
      const made = await execute(step, {
        input,
        session,
        output,
        selection: selected,
        mounts,
      })
      const record: StepRecord = { ...made, description: step.text }
      for (const k of new Set([contentKey, definition])) await session.deps.store.steps.put(k, record)
      return made
    })
  }
  const skipUnasked = (): void => {
    for (const [id, step] of plan.steps) if (!results.has(id)) log.skipped(step)
  }
  const settled = async (): Promise<void> => {
    await Promise.allSettled([...keys.values(), ...selections.values(), ...results.values()])
  }
  return { result, stack, settled, skipUnasked }
}

/** What an executing step gets. */
export interface Execution {
  /** The stack that the step starts from. */
  readonly input: readonly Digest[]
  readonly session: Session
  readonly output: StepLog['output']
  readonly selection: CopySelection | undefined
  /** The stack behind each mount of a RUN, in their order. */
  readonly mounts: readonly MountStack[]
}

async function execute(step: Step, execution: Execution): Promise<StepResult> {
  return ranged(step, async () => {
    switch (step.kind) {
      case 'run':
        return execution.session.runLimit(() => runRunStep(step, execution))
      case 'copy':
        return runCopyStep(step, execution)
      case 'workdir':
        return runWorkdirStep(step, execution)
    }
  })
}

async function ranged<T>(step: Pick<RunStep, 'at'>, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (isCancelled(error)) throw error
    throw withRange(error, step.at)
  }
}

/** A record whose layer is at hand, here or in a registry that had it, and exact enough for this build. */
async function usableRecord(key: Digest, session: Session): Promise<(StepRecord & { diffId: Digest }) | undefined> {
  const { store, trees } = session.deps
  const record = await store.steps.get(key)
  if (record?.diffId === undefined) return undefined
  if (record.fidelity === 'emulated' && trees.fidelity === 'exact') return undefined
  const { diffId } = record
  await session.hold(diffId)
  const layer = await store.layers.get(diffId)
  if (layer === undefined) return undefined
  if (layer.sources.length > 0) return { ...record, diffId }
  for (const form of layer.forms) {
    if ((await store.blobs.sizeOf(form.digest)) === form.size) return { ...record, diffId }
  }
  return undefined
}

function resultOf(record: StepRecord & { diffId: Digest }): StepResult {
  const { diffId, createdAt, fidelity } = record
  return { diffId, createdAt, fidelity }
}
