/**
 * The typed instructions of a Dockerfile, as parsed: nothing expanded, everything with its source range.
 * Reference: docker/dockerfile:1 (stable channel).
 */
import type { SourceRange } from '../core/errors.ts'

/** A heredoc body that belongs to an instruction. */
export interface Heredoc {
  readonly name: string
  readonly content: string
  /** False if the delimiter was quoted: no variable expansion. */
  readonly expand: boolean
  /** True for `<<-`. Leading tabs are gone from the `content` of COPY and ADD; RUN's has them still. */
  readonly chomp: boolean
  /** File descriptor number written before `<<`, 0 if none. */
  readonly fd: number
}

/** Shell form (text for the SHELL) or exec form (JSON array). */
export type Command =
  | { readonly form: 'shell'; readonly text: string }
  | { readonly form: 'exec'; readonly args: readonly string[] }

/** A name and a value, unexpanded. */
export interface KeyValue {
  readonly key: string
  readonly value: string
  /** Written without `=`, in the form of old. */
  readonly legacy?: true
}

/** What every instruction has. */
export interface Common {
  readonly at: SourceRange
  /** The instruction on one line as written (continuations joined), heredoc bodies left out. */
  readonly text: string
  /** Its name as written. */
  readonly keyword: string
  /** The comment lines right above it, without `#`. */
  readonly comments: readonly string[]
}

export interface FromInstruction extends Common {
  readonly kind: 'FROM'
  readonly base: string
  readonly platform?: string
  /** AS name, lower case. */
  readonly name?: string
  /** The words of `AS name` as they stand. */
  readonly written?: { readonly as: string; readonly name: string }
}

export interface ArgInstruction extends Common {
  readonly kind: 'ARG'
  /** `value` undefined: no default. */
  readonly args: readonly { readonly key: string; readonly value?: string }[]
}

export interface EnvInstruction extends Common {
  readonly kind: 'ENV'
  readonly pairs: readonly KeyValue[]
}

export interface LabelInstruction extends Common {
  readonly kind: 'LABEL'
  readonly pairs: readonly KeyValue[]
}

export interface MaintainerInstruction extends Common {
  readonly kind: 'MAINTAINER'
  readonly name: string
}

export interface RunInstruction extends Common {
  readonly kind: 'RUN'
  readonly command: Command
  readonly heredocs: readonly Heredoc[]
  /** `--network`, as written. */
  readonly network?: string
  /** `--mount` values, as written. */
  readonly mounts: readonly string[]
  readonly security?: string
  readonly devices: readonly string[]
}

/** A source of COPY or ADD: a path or URL, or a heredoc that becomes a file. */
export type CopySource =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'heredoc'; readonly heredoc: Heredoc }

/** The part that COPY and ADD share. */
interface CopyCommon extends Common {
  readonly sources: readonly CopySource[]
  readonly destination: string
  readonly chown?: string
  readonly chmod?: string
  readonly link: boolean
  readonly exclude: readonly string[]
}

export interface CopyInstruction extends CopyCommon {
  readonly kind: 'COPY'
  readonly from?: string
  readonly parents: boolean
}

export interface AddInstruction extends CopyCommon {
  readonly kind: 'ADD'
  readonly checksum?: string
  readonly keepGitDir?: boolean
  readonly unpack?: boolean
}

export interface WorkdirInstruction extends Common {
  readonly kind: 'WORKDIR'
  readonly path: string
}

export interface UserInstruction extends Common {
  readonly kind: 'USER'
  readonly user: string
}

export interface CmdInstruction extends Common {
  readonly kind: 'CMD'
  readonly command: Command
}

export interface EntrypointInstruction extends Common {
  readonly kind: 'ENTRYPOINT'
  readonly command: Command
}

export interface ExposeInstruction extends Common {
  readonly kind: 'EXPOSE'
  /** Ports as written, unexpanded. */
  readonly ports: readonly string[]
}

export interface VolumeInstruction extends Common {
  readonly kind: 'VOLUME'
  readonly paths: readonly string[]
}

export interface StopsignalInstruction extends Common {
  readonly kind: 'STOPSIGNAL'
  readonly signal: string
}

/** Durations in nanoseconds. `test` undefined: HEALTHCHECK NONE. */
export interface HealthcheckInstruction extends Common {
  readonly kind: 'HEALTHCHECK'
  readonly test?: Command
  readonly interval?: number
  readonly timeout?: number
  readonly startPeriod?: number
  readonly startInterval?: number
  readonly retries?: number
}

export interface ShellInstruction extends Common {
  readonly kind: 'SHELL'
  readonly shell: readonly string[]
}

export interface OnbuildInstruction extends Common {
  readonly kind: 'ONBUILD'
  /** The trigger as it goes into the image config. */
  readonly trigger: string
}

/** Every instruction but FROM. */
export type StageInstruction =
  | ArgInstruction
  | EnvInstruction
  | LabelInstruction
  | MaintainerInstruction
  | RunInstruction
  | CopyInstruction
  | AddInstruction
  | WorkdirInstruction
  | UserInstruction
  | CmdInstruction
  | EntrypointInstruction
  | ExposeInstruction
  | VolumeInstruction
  | StopsignalInstruction
  | HealthcheckInstruction
  | ShellInstruction
  | OnbuildInstruction

export type Instruction = FromInstruction | StageInstruction

/** A FROM and what follows it. */
export interface Stage {
  readonly index: number
  readonly from: FromInstruction
  readonly instructions: readonly StageInstruction[]
}

/** A parsed Dockerfile. */
export interface Dockerfile {
  /** ARGs before the first FROM. */
  readonly globalArgs: readonly ArgInstruction[]
  readonly stages: readonly Stage[]
  /** The `escape` directive's character. */
  readonly escape: '\\' | '`'
  readonly directives: Readonly<Record<string, string>>
  readonly warnings: readonly ParseWarning[]
}

/** Something that parses and should not stand there. `rule`: the build check that says so. */
export interface ParseWarning {
  readonly message: string
  readonly at: SourceRange
  readonly rule?: 'NoEmptyContinuation'
}
