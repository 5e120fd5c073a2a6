/** What a Dockerfile is lowered to: steps that touch bytes, and edits of the image config and history. Plain immutable data. */
import type { Digest } from '../core/digest.ts'
import type { SourceRange } from '../core/errors.ts'
import type { StepLine } from '../core/events.ts'
import type { JsonObject } from '../core/json.ts'
import type { Ulimit } from '../core/ulimit.ts'
import type { Checks } from '../dockerfile/checks/checks.ts'
import type { GitRef } from '../dockerfile/git-ref.ts'
import type { IgnoreMatcher } from '../dockerfile/ignore.ts'
import type { HistoryEntry, ImageConfig } from '../oci/config.ts'
import type { Image } from '../oci/image.ts'
import type { Platform } from '../oci/platform.ts'
import type { ResolvedFrom } from './froms.ts'
import type { Globals } from './globals.ts'

/**
 * A root file system: that of a base image (no layers: scratch), the result of a step over its input, or the layer of a step that
 * has an input of its own (COPY --link: scratch) put on another tree.
 */
export type TreeRef =
  | { readonly kind: 'base'; readonly diffIds: readonly Digest[] }
  | { readonly kind: 'step'; readonly id: Digest }
  | { readonly kind: 'stacked'; readonly below: TreeRef; readonly id: Digest }

/** Files that belong to no image: the build context, or the named one (`--build-context`). */
export interface ContextRef {
  readonly kind: 'context'
  readonly name?: string
}

interface StepCommon {
  /** Digest of the definition and of the inputs' ids: identical steps are one step. */
  readonly id: Digest
  readonly input: TreeRef
  /** The Dockerfile's words. */
  readonly text: string
  readonly at: SourceRange
  /** Never taken from the cache. */
  readonly fresh: boolean
}

/** What RUN --mount shows to the process. Targets are absolute. Nothing of a mount is part of the layer. */
export type RunMount = BindMount | CacheMount | TmpfsMount | SecretMount | SshMount

/** Files of a tree; those of a context are a tree too, made by a copy step onto scratch. */
export interface BindMount {
  readonly type: 'bind'
  readonly tree: TreeRef
  /** Path in the tree, of a folder or a file. */
  readonly source: string
  readonly target: string
  /** If false, what the process writes is dropped after it. */
  readonly readOnly: boolean
}

/** A folder that outlives the build. */
export interface CacheMount {
  readonly type: 'cache'
  readonly id: string
  readonly target: string
  readonly sharing: 'shared' | 'private' | 'locked'
  readonly readOnly: boolean
  /** What a new one begins as. */
  readonly seed?: TreeRef
  /** Path in the cache, and in the seed. */
  readonly source: string
  /** Of a new one. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

export interface TmpfsMount {
  readonly type: 'tmpfs'
  readonly target: string
  /** Bytes. */
  readonly size?: number
}

/** A secret as a file, as a variable, or both. Its value is in no plan and no key. */
export interface SecretMount {
  readonly type: 'secret'
  readonly id: string
  readonly target?: string
  readonly env?: string
  readonly required: boolean
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/** The socket of an ssh agent. */
export interface SshMount {
  readonly type: 'ssh'
  readonly id: string
  readonly target: string
  readonly required: boolean
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/** What every RUN of a build is given beside its own words. */
export interface RunSettings {
  readonly hostname: string
  readonly extraHosts: readonly (readonly [host: string, address: string])[]
  /** Bytes of /dev/shm, if not 64 MiB. */
  readonly shmSize?: number
  readonly ulimits: readonly Ulimit[]
  /** Counts in no key: it says where the process runs, not what it sees. */
  readonly cgroupParent?: string
}

/** Runs a process. */
export interface RunStep extends StepCommon {
  readonly kind: 'run'
  readonly args: readonly string[]
  /** `NAME=value`, complete but for HOME. */
  readonly env: readonly string[]
  /** Proxy variables: given to the process, in no key and no history. */
  readonly hiddenEnv: readonly string[]
  readonly cwd: string
  /** USER as written; '' is root. */
  readonly user: string
  readonly network: 'host' | 'none'
  /** The program of the stage's SHELL: for `--on-error shell`, in no key. */
  readonly shell?: string
  readonly mounts: readonly RunMount[]
  readonly settings: RunSettings
  /** A heredoc that starts with `#!`: run as this file, which the process sees at /dev/pipes/NAME. */
  readonly script?: { readonly name: string; readonly content: string }
  /** The stage's platform, if this machine has another architecture or system: for what is said when it fails. */
  readonly foreign?: string
}

/** One source of a copy. */
export type CopyStepSource =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'heredoc'; readonly name: string; readonly content: string }
  | { readonly kind: 'url'; readonly url: string; readonly filename: string; readonly checksum?: Digest }
  /** A repository; `url` is what was written. */
  | { readonly kind: 'git'; readonly url: string; readonly git: GitRef }

/** Copies files into the tree. */
export interface CopyStep extends StepCommon {
  readonly kind: 'copy'
  readonly from: ContextRef | { readonly kind: 'tree'; readonly tree: TreeRef; readonly name: string }
  readonly sources: readonly CopyStepSource[]
  /** Absolute; a trailing slash means a folder. */
  readonly destination: string
  /** As written: names resolve in the target's passwd. */
  readonly chown?: string
  /** As written; valid. */
  readonly chmod?: string
  /** Which archives are unpacked: of path sources, and of downloads too. */
  readonly unpack: 'none' | 'paths' | 'all'
  /** The folders that a source is named with are made at the destination, from the pivot `/./` on. */
  readonly parents: boolean
  /** Patterns of what is left out, relative to each source folder. */
  readonly exclude: readonly string[]
}

/** Makes a folder and its parents, if absent. */
export interface WorkdirStep extends StepCommon {
  readonly kind: 'workdir'
  readonly path: string
  /** Owner of what is made; '' is root. */
  readonly user: string
  /** SOURCE_DATE_EPOCH in seconds, if set: the time of what is made. */
  readonly epoch?: number
}

export type Step = RunStep | CopyStep | WorkdirStep

/** A step without its id. `Omit` on the union would lose its members' own fields. */
export type StepDraft<T extends Step = Step> = T extends Step ? Omit<T, 'id'> : never

/** A history entry to be, and the step whose layer it stands for. */
export interface PlannedHistory {
  readonly entry: HistoryEntry
  readonly step?: Digest
  /** The config's `config` object after it; undefined in a plan that would have to keep too much of it. */
  readonly runtime?: JsonObject
}

/** A stage's outcome: what the image's config will say, and which steps made it. */
export interface PlannedImage {
  /** The base image; undefined for scratch. */
  readonly base?: Image
  /** The final runtime config; history and rootfs are still the base's. */
  readonly config: ImageConfig
  /** History made above the base, oldest first. */
  readonly history: readonly PlannedHistory[]
  readonly tree: TreeRef
}

/** A display line and the step behind it, if it has one. */
export interface PlannedLine extends StepLine {
  readonly step?: Digest
}

/** Where a variable is seen first. */
export interface VariableUse {
  readonly text: string
  readonly at: SourceRange
  /** True if only the default of another ARG takes it. */
  readonly inArg: boolean
}

/** Everything to do for one platform. */
export interface Plan {
  /** Steps needed for the target, inputs before their users. */
  readonly steps: ReadonlyMap<Digest, Step>
  readonly target: PlannedImage
  readonly lines: readonly PlannedLine[]
  readonly warnings: readonly { readonly message: string; readonly at?: SourceRange }[]
  /** SOURCE_DATE_EPOCH in force, in seconds. */
  readonly epoch?: number
  /** By variable, the first instruction that sees it: by writing it, or because it runs a process. */
  readonly variableUses: ReadonlyMap<string, VariableUse>
  /** Stages that were lowered, in their order. */
  readonly stages: readonly PlannedStage[]
  /** Index of the target's stage. */
  readonly targetStage: number
  readonly globals: Globals
}

/** A stage's parameters, for the outline of a build. */
export interface PlannedStage {
  readonly index: number
  readonly from: ResolvedFrom
  /** ARGs declared in it and below it, with their last values. */
  readonly args: ReadonlyMap<string, string | undefined>
  /** Stages that it is built on, copies from or mounts, by index. */
  readonly uses: readonly number[]
}

/** What SOURCE_DATE_EPOCH may name: the build context, or a named one, or what the one ADD of a stage fetches. */
export type EpochSource =
  | { readonly kind: 'context'; readonly name?: string }
  | { readonly kind: 'url'; readonly url: string; readonly checksum?: string }
  | { readonly kind: 'git'; readonly git: GitRef }

/** What `--build-context` puts in the place of a stage or an image. */
export type NamedContext =
  /** An image: of a registry, or of an OCI layout; looked up only if the build needs it. */
  | { readonly kind: 'image'; readonly load: () => Promise<Image> }
  /** Files; `name` is for ContextRef. */
  | { readonly kind: 'files'; readonly name: string }
  | { readonly kind: 'scratch' }
  /** A stage of this Dockerfile, above the one that asks. */
  | { readonly kind: 'stage'; readonly stage: string }

/** What lowering needs beside the Dockerfile. */
export interface PlanOptions {
  readonly target?: string
  readonly buildArgs: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  /** Variables that every stage gets after its FROM. */
  readonly env?: Readonly<Record<string, string>>
  /** Variables and labels that the target's image does without. */
  readonly unsetEnv?: readonly string[]
  readonly unsetLabels?: readonly string[]
  readonly buildPlatform: Platform
  readonly targetPlatform: Platform
  /** True if the user named the target platform: the image then says that it is for it, whatever its base is for. */
  readonly isPlatformGiven?: boolean
  readonly network: 'host' | 'none'
  readonly noCache: boolean
  /** Stages, by name or number, none of whose steps is taken from the cache. */
  readonly noCacheStages?: readonly string[]
  /** Takes what the build checks find. */
  readonly checks?: Checks
  /** What the context leaves out, for the check of COPY. */
  readonly ignore?: IgnoreMatcher
  /** VOLUME as builders before BuildKit had it. */
  readonly compatVolumes?: boolean
  /** Lower every stage, not only what the target needs. */
  readonly allStages?: boolean
  /** Stand-ins for bases that could not be looked up: what such an image sets is unknown. */
  readonly unknownBases?: ReadonlySet<Image>
  /** For RUN: hosts, limits. */
  readonly run?: Omit<RunSettings, 'hostname'>
  /** The time of what SOURCE_DATE_EPOCH names, in seconds; undefined if it has none. */
  resolveEpoch?(source: EpochSource): Promise<number | undefined>
  /** The named context that stands for a stage or an image, undefined if there is none. */
  namedContext?(name: string, platform: Platform): Promise<NamedContext | undefined>
  /** Finds a base image by name; called at most once per name and platform. */
  resolveBase(name: string, platform: Platform): Promise<Image>
}
