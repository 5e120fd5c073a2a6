/** The state of a stage while its instructions are lowered. Lives only inside plan/. */
import { type Digest, digestOf } from '../core/digest.ts'
import { type JsonObject, canonicalJson } from '../core/json.ts'
import type { SourceRange } from '../core/errors.ts'
import type { Checks } from '../dockerfile/checks/checks.ts'
import { type HistoryEntry, type ImageConfig, runtimeOf } from '../oci/config.ts'
import type { Image } from '../oci/image.ts'
import type { Platform } from '../oci/platform.ts'
import type { Stage } from '../dockerfile/instructions.ts'
import type { Budget } from './budget.ts'
import type { Collections } from './collections.ts'
import { definitionOf } from './definition.ts'
import { inputsOf } from './reach.ts'
import { backslashPath, isWindows, slashPath } from './windows.ts'
import type {
  StepDraft,
  VariableUse,
  PlannedHistory,
  PlannedImage,
  PlanOptions,
  PlannedLine,
  Step,
  TreeRef,
} from './contract.ts'

/** PATH when a base image sets none. */
export const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** What all stages of one plan share. */
export interface PlanContext {
  readonly options: PlanOptions
  /** SOURCE_DATE_EPOCH in seconds. */
  readonly epoch: number | undefined
  readonly escape: '\\' | '`'
  /** Values of ARGs before FROM, and of the platform args. */
  readonly globals: ReadonlyMap<string, string>
  /** Takes what the build checks find. */
  readonly checks: Checks
  readonly steps: Map<Digest, Step>
  readonly warnings: { message: string; at?: Stage['from']['at'] }[]
  readonly variableUses: Map<string, VariableUse>
  /** Build args that some ARG took. */
  readonly consumed: Set<string>
  /** Limits what expansion and history may come to. */
  readonly budget: Budget
  /** How many more lists and maps of configs may be kept for the images of steps, counted by their entries. */
  runtimesLeft: number
  /** Lowers a stage by name or index, as COPY --from names it; undefined if there is none. */
  stage(name: string, current: number): Promise<StageState> | undefined
}

/** A stage being lowered. */
export interface StageState {
  readonly context: PlanContext
  readonly index: number
  /** For display: the stage's name, or its index. */
  readonly label: string
  base?: Image
  platform: Platform
  /** Complete when the stage is done: before, `collections` holds what grows. */
  config: ImageConfig
  collections: Collections
  /** Variables that expansion and RUN see: config env and args, the last writer first in force. */
  env: Map<string, string>
  /** `env` as RUN gets it, if nothing was set since. */
  envLines?: readonly string[]
  /** ARGs declared so far, for RUN's history. */
  args: Map<string, string | undefined>
  /** `args` as RUN's history has them, if nothing was set since. */
  argScope?: string
  /** RUN has seen all of `args` since the last of them was declared. */
  argsSeen?: boolean
  history: PlannedHistory[]
  lines: PlannedLine[]
  /** The `config` object after the last history entry. */
  runtime?: JsonObject
  tree: TreeRef
  cmdSet: boolean
  /** Volumes whose folders `--compat-volumes` has made. */
  readonly madeVolumes: Set<string>
  /** A WORKDIR of the Dockerfile is in force. */
  workdirSet: boolean
  /** Where the stage's last instruction of a kind stands, of the kinds that should be there once. */
  readonly lastOf: Map<string, SourceRange>
}

/** Registers a step by the digest of its definition and makes its result the stage's tree. */
export function addStep(state: StageState, draft: StepDraft): Digest {
  const id = registerStep(state.context, { ...draft, fresh: draft.fresh || isFresh(state) })
  state.tree = { kind: 'step', id }
  return id
}

/** Registers a step that no stage's tree is built on by itself; returns its id. */
export function registerStep({ steps }: PlanContext, draft: StepDraft): Digest {
  const env = draft.kind === 'run' ? { env: listDigest(draft.env) } : {}
  const id = digestOf(canonicalJson({ ...definitionOf(draft), ...env, inputs: inputsOf(draft).map(treeDigest) }))
  const known = steps.get(id)
  if (known === undefined || (draft.fresh && !known.fresh)) steps.set(id, { ...draft, id })
  return id
}

const listDigests = new WeakMap<readonly string[], Digest>()

/** The digest of a list that many steps share. */
function listDigest(list: readonly string[]): Digest {
  const known = listDigests.get(list) ?? digestOf(canonicalJson(list))
  listDigests.set(list, known)
  return known
}

const treeDigests = new WeakMap<TreeRef, Digest>()

/** The digest of a tree, found from its lowest part up: trees of COPY --link lie in each other as deep as there are instructions. */
function treeDigest(tree: TreeRef): Digest {
  const parts: TreeRef[] = []
  let lowest: TreeRef = tree
  while (lowest.kind === 'stacked' && !treeDigests.has(lowest)) {
    parts.push(lowest)
    lowest = lowest.below
  }
  let digest = treeDigests.get(lowest) ?? digestOf(canonicalJson(lowest))
  treeDigests.set(lowest, digest)
  for (const part of parts.reverse()) {
    digest = digestOf(canonicalJson({ below: digest, id: part.kind === 'stacked' ? part.id : undefined }))
    treeDigests.set(part, digest)
  }
  return digest
}

/** True if `--no-cache-filter` names the stage. */
function isFresh({ context, index, label }: StageState): boolean {
  const named = context.options.noCacheStages ?? []
  return named.some((name) => name.toLowerCase() === label || name === String(index))
}

/** Adds a history entry; `step` names the step whose layer it stands for. */
export function addHistory(state: StageState, createdBy: string, step?: Digest): void {
  state.context.budget.charge(createdBy.length)
  const { epoch } = state.context
  const entry: HistoryEntry = {
    ...(epoch === undefined ? {} : { created: isoSeconds(epoch) }),
    created_by: createdBy,
    // Scanners tell by this comment how to read created_by.
    comment: 'buildkit.dockerfile.v0',
  }
  state.history.push({ entry, step })
}

/** Seconds since 1970 as RFC 3339 in UTC, without fraction. */
export function isoSeconds(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}

/** The WORKDIR in force, absolute. */
export function workdirOf(state: StageState): string {
  return joinPath('/', pathIn(state, runtimeOf(state.config).workingDir))
}

/** A path of the Dockerfile or a config with slashes, whatever system the stage is for. */
export function pathIn({ platform }: StageState, path: string): string {
  return isWindows(platform) ? slashPath(path) : path
}

/** The WORKDIR that `path` asks for: an absolute one stays as written, an empty one changes nothing. */
export function nextWorkdir(state: StageState, path: string): string {
  if (isWindows(state.platform)) return backslashPath(joinPath(workdirOf(state), slashPath(path)))
  if (path === '') return workdirOf(state)
  return path.startsWith('/') ? path : joinPath(workdirOf(state), path)
}

/** Sets what expansion and RUN see; a variable that is set again goes to the end of RUN's environment. */
export function setVariable(state: StageState, name: string, value: string): void {
  state.env.delete(name)
  state.env.set(name, value)
  state.envLines = undefined
  state.argScope = undefined
}

/** Declares an ARG. */
export function setArg(state: StageState, name: string, value: string | undefined): void {
  state.args.set(name, value)
  state.argScope = undefined
  state.argsSeen = false
}

/** RUN's environment. Steps between which nothing is set share one list. */
export function envLines(state: StageState): readonly string[] {
  return (state.envLines ??= [...state.env].map(([name, value]) => `${name}=${value}`))
}

/** Joins and cleans slash paths like Go's `path.Join`, absolute second parts winning as WORKDIR and COPY have it. */
export function joinPath(base: string, path: string): string {
  const whole = path.startsWith('/') ? path : `${base}/${path}`
  if (isClean(whole)) return whole
  const parts: string[] = []
  for (const part of whole.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}

/** True for an absolute path without empty, `.` and `..` parts. */
function isClean(path: string): boolean {
  return path === '/' || (path.startsWith('/') && !/\/(?:\/|\.{1,2}(?:\/|$)|$)/.test(path))
}

/** A stage's state as the immutable outcome. */
export function imageOf(state: StageState): PlannedImage {
  return { base: state.base, config: state.config, history: state.history, tree: state.tree }
}
