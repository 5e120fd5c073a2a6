/** A Dockerfile and options -> a Plan. Stages are lowered on demand from the target, so only what it needs is resolved. */
import { WherryError, withRange } from '../core/errors.ts'
import { noChecks } from '../dockerfile/checks/checks.ts'
import { parseInstruction } from '../dockerfile/parse.ts'
import type { Dockerfile, Stage, StageInstruction } from '../dockerfile/instructions.ts'
import { emptyConfig, runtimeOf, withRuntime } from '../oci/config.ts'
import type { Platform } from '../oci/platform.ts'
import { isProxyArg, platformArgs } from './args.ts'
import { applyArg } from './arg.ts'
import { newBudget } from './budget.ts'
import { isBuilderSetting, settingWarnings } from './buildkit-args.ts'
import { checkBasePlatform } from './checks.ts'
import { collectionsOf, setEnvLine, sizeOf, withCollections } from './collections.ts'
import { applyConfigInstruction } from './config-instructions.ts'
import type { Plan, PlanOptions, PlannedLine, TreeRef } from './contract.ts'
import { lowerCopy, lowerWorkdir } from './copy.ts'
import { checkDefaultBases } from './froms.ts'
import { type Globals, evaluateGlobals } from './globals.ts'
import { applyEnvOption, finishTarget } from './overrides.ts'
import { resolveEpoch, withEpochArg } from './epoch.ts'
import { reachableSteps } from './reach.ts'
import { noteRuntime, runtimeLimit } from './runtimes.ts'
import { contextTree } from './source-tree.ts'
import { lowerRun } from './run.ts'
import { type StageHead, checkStageUses, earlierStage, findTarget, stageHeads } from './stages.ts'
import { isWindows } from './windows.ts'
import { type PlanContext, type StageState, defaultPath, imageOf, nextWorkdir, setVariable } from './state.ts'
import { noteFrom, noteUse, noteWord } from './uses.ts'

/**
 * Lowers a Dockerfile for one target platform.
 * @throws WherryError `dockerfile-invalid`, `not-implemented`, and whatever `options.resolveBase` throws; each with its range
 */
export async function lower(dockerfile: Dockerfile, options: PlanOptions): Promise<Plan> {
  const targetIndex = findTarget(dockerfile, options.target)
  const name = options.target ?? dockerfile.stages[targetIndex]!.from.name ?? ''
  const globals = globalsOf(dockerfile, options, name)
  const { checks = noChecks } = options
  const written = stageHeads(dockerfile, { globals, targetPlatform: options.targetPlatform, checks })
  const heads = await replacedStages(dockerfile, written, options)
  checkStageUses(dockerfile)
  const made = new Map<number, Promise<StageState>>()
  const uses = new Map<number, Set<number>>()
  const stageAt = (index: number): Promise<StageState> => {
    // Parents first, and not by recursion: there may be thousands.
    const chain: number[] = []
    for (let at: number | undefined = index; at !== undefined && !made.has(at); at = heads[at]!.parent) chain.push(at)
    for (const at of chain.reverse()) made.set(at, lowerStage(dockerfile.stages[at]!, heads[at]!, context))
    return made.get(index)!
  }
  const epoch = await resolveEpoch(dockerfile, globals.values, options)
  const args = withEpochArg(options, globals.values, epoch)
  const context: PlanContext = {
    options: { ...options, buildArgs: args.buildArgs },
    epoch,
    escape: dockerfile.escape,
    globals: args.globals,
    checks,
    steps: new Map(),
    warnings: [
      ...dockerfile.warnings.filter((warning) => warning.rule === undefined),
      ...settingWarnings(dockerfile, options),
    ],
    consumed: new Set(globals.args.keys()),
    budget: newBudget(),
    runtimesLeft: runtimeLimit,
    variableUses: new Map(),
    stage: (wanted, current) => {
      const index = earlierStage(dockerfile, wanted, current)
      if (index === undefined) return undefined
      uses.set(current, (uses.get(current) ?? new Set()).add(index))
      return stageAt(index)
    },
  }
  warnUnknownStages(dockerfile, context)
  if (options.allStages) for (const { index } of dockerfile.stages) await stageAt(index)
  for (const arg of dockerfile.globalArgs) for (const { value } of arg.args) noteWord(context, value, arg)
  const target = await stageAt(targetIndex)
  finishTarget(target)
  const violation = checks.violation()
  if (violation !== undefined) throw violation
  warnUnconsumed(context)
  const states = await Promise.all([...made].sort(([a], [b]) => a - b).map(([, state]) => state))
  return {
    steps: reachableSteps(context.steps, target.tree),
    target: imageOf(target),
    lines: numberLines(states),
    warnings: context.warnings,
    variableUses: context.variableUses,
    epoch,
    stages: states.map(({ index, args }) => ({ index, args, from: heads[index]!, uses: [...(uses.get(index) ?? [])] })),
    targetStage: targetIndex,
    globals,
  }
}

/** What the ARGs before FROM come to; reports base names that are nobody's without build args. */
function globalsOf(dockerfile: Dockerfile, options: PlanOptions, name: string): Globals {
  const { buildArgs, buildPlatform, targetPlatform, checks = noChecks } = options
  const predefined = platformArgs(buildPlatform, targetPlatform, name, buildArgs)
  checkDefaultBases(dockerfile, predefined, checks)
  return evaluateGlobals(dockerfile, predefined, buildArgs)
}

async function lowerStage(stage: Stage, head: StageHead, context: PlanContext): Promise<StageState> {
  noteFrom(context, stage.from)
  const state = await beginStage(stage, head, context)
  if (head.replacement !== undefined) {
    ensurePath(state)
    return { ...state, config: withCollections(state.config, state.collections) }
  }
  const triggers = state.collections.onBuild.splice(0)
  ensurePath(state)
  const { workingDir } = runtimeOf(state.config)
  // A relative one counts from itself: BuildKit treats it as a WORKDIR in force and given again.
  if (workingDir !== '') state.config = withRuntime(state.config, 'WorkingDir', nextWorkdir(state, workingDir))
  applyEnvOption(state)
  for (const trigger of triggers) await lowerInstruction(state, parseInstruction(trigger, stage.from.at), 'ONBUILD ')
  for (const instruction of stage.instructions) await lowerInstruction(state, instruction, '')
  state.config = withCollections(state.config, state.collections)
  return state
}

async function beginStage(stage: Stage, head: StageHead, context: PlanContext): Promise<StageState> {
  const begun = await stageOnBase(stage, head, context)
  const collections = collectionsOf(begun.config)
  // Every stage has its own copies.
  context.budget.charge(32 * (begun.env.size + begun.args.size + begun.history.length + sizeOf(collections)))
  return { ...begun, collections }
}

async function stageOnBase(
  stage: Stage,
  head: StageHead,
  context: PlanContext,
): Promise<Omit<StageState, 'collections'>> {
  const { from, index } = stage
  const { base, parent } = head
  const platform = head.platform ?? context.options.targetPlatform
  const line: PlannedLine = {
    id: `s${index}.0`,
    ordinal: 0,
    total: 0,
    stage: from.name ?? String(index),
    text: from.text,
    makesLayer: false,
  }
  const fresh: FreshStage = {
    context,
    index,
    label: line.stage,
    platform,
    history: [],
    lines: [line],
    cmdSet: false,
    madeVolumes: new Set(),
    workdirSet: false,
    lastOf: new Map(),
  }
  if (parent !== undefined) return inherit(await context.stage(String(parent), index)!, fresh)
  if (base === 'scratch' && head.replacement === undefined)
    return {
      ...fresh,
      // As in BuildKit, --platform changes nothing about scratch.
      platform: context.options.targetPlatform,
      config: scratchConfig(context.options.targetPlatform),
      env: new Map(),
      args: new Map(),
      tree: scratch,
    }
  const named = head.replacement ?? (await context.options.namedContext?.(base, platform))
  if (named?.kind === 'stage') return inherit(await stageOf(named.stage, context, fresh), fresh)
  if (named?.kind === 'files' || named?.kind === 'scratch') {
    const tree =
      named.kind === 'scratch'
        ? scratch
        : contextTree(context, { kind: 'context', name: named.name }, { source: '/', at: from.at })
    return { ...fresh, config: scratchConfig(platform), env: new Map(), args: new Map(), tree }
  }
  const image = await located(from, () => named?.load() ?? context.options.resolveBase(base, platform))
  if (named === undefined) checkBasePlatform(context, { name: base, image, platform }, from)
  const tree = { kind: 'base', diffIds: image.layers.map((l) => l.diffId) } as const
  return { ...fresh, base: image, config: image.config, env: new Map(), args: new Map(), tree }
}

/** The stage that a named context points to. */
async function stageOf(name: string, context: PlanContext, { index }: FreshStage): Promise<StageState> {
  const stage = context.stage(name, index)
  if (stage !== undefined) return stage
  throw new WherryError(
    'dockerfile-invalid',
    `a named context is the stage "${name}", which the Dockerfile does not have`,
    {
      hint: 'Write --build-context NAME=target:STAGE with a stage above the one that uses it.',
    },
  )
}

/** Stages whose name a named context has taken are that context, and nothing is built for them. */
async function replacedStages(
  { stages }: Dockerfile,
  heads: readonly StageHead[],
  options: PlanOptions,
): Promise<StageHead[]> {
  return Promise.all(
    heads.map(async (head, index) => {
      const name = stages[index]!.from.name
      const platform = head.platform ?? options.targetPlatform
      const replacement = name === undefined ? undefined : await options.namedContext?.(name, platform)
      return replacement === undefined ? head : { ...head, parent: undefined, replacement }
    }),
  )
}

const scratch: TreeRef = { kind: 'base', diffIds: [] }

type FreshStage = Omit<StageState, 'collections' | 'config' | 'env' | 'args' | 'tree'>

function inherit(parent: StageState, fresh: FreshStage): Omit<StageState, 'collections'> {
  return {
    ...fresh,
    platform: parent.platform,
    base: parent.base,
    config: parent.config,
    env: new Map(parent.env),
    args: new Map(parent.args),
    history: [...parent.history],
    workdirSet: parent.workdirSet,
    tree: parent.tree,
  }
}

function scratchConfig(platform: Platform): StageState['config'] {
  return withRuntime(emptyConfig(platform), 'WorkingDir', '/')
}

async function located<T>({ at }: Pick<StageInstruction, 'at'>, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw withRange(error, at)
  }
}

/** PATH is always set, and what the config sets is what expansion and RUN see, before ARGs of a stage that this one is built on. */
function ensurePath(state: StageState): void {
  const { env, envIndex } = state.collections
  // Windows has one of its own.
  if (!envIndex.has('PATH') && !isWindows(state.platform)) setEnvLine(state.collections, 'PATH', defaultPath)
  for (const line of env) {
    const at = line.indexOf('=')
    setVariable(state, at < 0 ? line : line.slice(0, at), at < 0 ? '' : line.slice(at + 1))
  }
}

/** RUN sees every arg. Where none was declared since the RUN before, that one was the first to see them. */
function noteArgs(state: StageState, instruction: StageInstruction): void {
  if (state.argsSeen) return
  for (const name of state.args.keys()) noteUse(state.context, name, instruction)
  state.argsSeen = true
}

async function lowerInstruction(state: StageState, instruction: StageInstruction, prefix: string): Promise<void> {
  const before = state.tree
  const entries = state.history.length
  if (instruction.kind === 'RUN') noteArgs(state, instruction)
  await located(instruction, async () => applyInstruction(state, instruction))
  noteRuntime(state, entries, instruction)
  const step = state.tree.kind !== 'base' && state.tree !== before ? state.tree.id : undefined
  const id = `s${state.index}.${state.lines.length}`
  const text = prefix + instruction.text
  state.lines.push({ id, ordinal: 0, total: 0, stage: state.label, text, makesLayer: step !== undefined, step })
}

function applyInstruction(state: StageState, instruction: StageInstruction): void | Promise<void> {
  switch (instruction.kind) {
    case 'RUN':
      return lowerRun(state, instruction)
    case 'COPY':
    case 'ADD':
      return lowerCopy(state, instruction)
    case 'WORKDIR':
      return lowerWorkdir(state, instruction)
    case 'ARG':
      return applyArg(state, instruction)
    default:
      return applyConfigInstruction(state, instruction)
  }
}

function warnUnknownStages({ stages }: Dockerfile, { options, warnings }: PlanContext): void {
  for (const name of options.noCacheStages ?? []) {
    if (stages[Number(name)] !== undefined || stages.some(({ from }) => from.name === name.toLowerCase())) continue
    warnings.push({ message: `--no-cache-filter names a stage that the Dockerfile does not have: ${name}` })
  }
}

function warnUnconsumed(context: PlanContext): void {
  const predefined = (name: string): boolean => isProxyArg(name) || isBuilderSetting(name)
  const left = Object.keys(context.options.buildArgs).filter((name) => {
    return (
      !predefined(name) &&
      !context.consumed.has(name) &&
      !/^(BUILD|TARGET)(PLATFORM|OS|OSVERSION|ARCH|VARIANT)$/.test(name)
    )
  })
  if (left.length > 0)
    context.warnings.push({ message: `One or more build-args [${left.join(' ')}] were not consumed` })
}

function numberLines(states: readonly StageState[]): PlannedLine[] {
  const lines = states.flatMap((s) => s.lines)
  return lines.map((line, i) => ({ ...line, ordinal: i + 1, total: lines.length }))
}
