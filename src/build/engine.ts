/**
 * The engine: results of steps on demand, from the target down. A step whose key has a record asks nothing of its inputs'
 * contents, so a cached stage is never looked into. Steps that do not depend on each other run at once.
 */
import { cpus } from 'node:os'
import type { Digest } from '../core/digest.ts'
import { isCancelled, withRange } from '../core/errors.ts'
import { limiter, type Limiter } from '../core/schedule.ts'
import type { Scope } from '../core/scope.ts'
import type { CacheMount, Plan, RunStep, Step, TreeRef } from '../plan/contract.ts'
import { inputsOf, renewedSteps } from '../plan/reach.ts'
import type { StepRecord } from '../store/contract.ts'
import type { BuildContext } from './context/context.ts'
import type { BuildDeps } from './deps.ts'
import type { RunInputs } from './inputs/inputs.ts'
import { type KeyInputs, stackKey, stackedKey, stepKey } from './keys.ts'
import type { LayerAccess } from '../transfer/layer-access.ts'
import { type StepLog, stepLog } from './step-log.ts'
import { type CopySelection, copySelection, runCopyStep } from './steps/copy.ts'
import { type MountStack, mountDigests, mountStacks } from './steps/mounts.ts'
import { runRunStep } from './steps/run.ts'
import { runWorkdirStep } from './steps/workdir.ts'
import { type Found, overSame, usableRecord } from './usable-record.ts'

/** What a step made. */
export interface StepResult {
  readonly diffId: Digest
  readonly createdAt: string
  readonly fidelity: 'exact' | 'emulated'
}

/** Why a record was of no use, or that it was. `renewed`: a step before it ran again. */
export type Lookup = 'hit' | 'same-content' | 'fresh' | 'renewed' | 'no-record' | 'layer-absent' | 'other-mode'

/** Is told what the engine finds out about steps. */
export interface StepWatch {
  /** A step's key is known, and what it copies from a context. */
  keyed(step: Step, key: Digest, selection?: CopySelection): void
  /** It is decided whether a step runs; nothing of it starts before this resolves. */
  looked(step: Step, lookup: Lookup): Promise<void>
  /** A step's result is there. */
  made(step: Step, result: StepResult): void
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
  readonly watch?: StepWatch
  readonly onError?: 'shell'
  /** Lets a cache mount that is not here begin as the caches have it. Never fails but by being cancelled. */
  beginMount?(this: void, mount: CacheMount, own: { readonly ownId: string; readonly fresh: boolean }): Promise<void>
  /** Holds what the build uses, until it ends. */
  hold(...digests: Digest[]): Promise<void>
}

/** Gives the results of a plan's steps. */
export interface Engine {
  result(id: Digest): Promise<StepResult>
  /** The definition key of a step. */
  key(id: Digest): Promise<Digest>
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
  const log = stepLog(plan, session)
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
      const own = step.kind === 'copy' && step.from.kind === 'context' ? await selection(step) : undefined
      const made = stepKey(step, { input: input!, ...(own === undefined ? { others } : { selection: own.digest }) })
      session.watch?.keyed(step, made, own)
      return made
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
  const lookUp = async (step: Step, definition: Digest): Promise<Found> => {
    if (step.fresh) return { miss: 'fresh' }
    return renewed.has(step.id) ? { miss: 'renewed' } : usableRecord(definition, session)
  }
  const remember = (step: Step, made: Made, keysOf: readonly Digest[]): Promise<void> =>
    putRecords(session, { ...made, description: step.text }, keysOf)
  const settle = async (step: Step): Promise<StepResult> => {
    const definition = await ranged(step, () => key(step.id))
    const known = await overSame(await lookUp(step, definition), () => stack(step.input))
    if (known.miss === undefined) return log.cached(step, known.result, 'hit')
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
    const over = content.input
    const contentKey = stepKey(step, content)
    const same = step.fresh ? known : await usableRecord(contentKey, session)
    if (same.miss === undefined) {
      await remember(step, { ...same.result, over }, [definition])
      return log.cached(step, same.result, 'same-content')
    }
    return log.running(step, known.miss, async (output) => {
      const made = await execute(step, { input, session, output, selection: selected, mounts })
      await remember(step, { ...made, over }, [contentKey, definition])
      return made
    })
  }
  const skipUnasked = (): void => {
    for (const [id, step] of plan.steps) if (!results.has(id)) log.skipped(step)
  }
  const settled = async (): Promise<void> => {
    await Promise.allSettled([...keys.values(), ...selections.values(), ...results.values()])
  }
  return { result, key, stack, settled, skipUnasked }
}

type Made = StepResult & { readonly over: Digest }

async function putRecords({ deps }: Session, record: StepRecord, keys: readonly Digest[]): Promise<void> {
  for (const key of new Set(keys)) await deps.store.steps.put(key, record)
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
