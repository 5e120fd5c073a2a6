/** Progress as data: one JSON-serialisable union, made by the engine and only consumed by renderers. */
import type { Digest } from './digest.ts'
import type { SourceRange } from './errors.ts'

/** Version of the union, in the first event of `--progress=json`. */
export const eventVersion = 1

/** A Dockerfile instruction as a display line. */
export interface StepLine {
  /** Unique in a build; names the step in all later events. */
  readonly id: string
  /** Position among all instructions of the Dockerfile's reachable stages, from 1. */
  readonly ordinal: number
  readonly total: number
  /** Stage name, or its index as text. */
  readonly stage: string
  /** The instruction as written, on one line. */
  readonly text: string
  /** False for instructions that only edit the config. */
  readonly makesLayer: boolean
  /** Ids of the lines whose results it reads: what it changes, copies from or mounts. Absent for none. */
  readonly needs?: readonly string[]
}

/** A stage that the build needs. */
export interface StageLine {
  /** As in `StepLine`. */
  readonly name: string
  /** What stands behind FROM: a stage's name, an image, `scratch`. */
  readonly base: string
  /** Names of the stages that it is built on, copies from or mounts. */
  readonly uses: readonly string[]
  /** Images that it copies from. */
  readonly images: readonly string[]
  readonly isTarget: boolean
}

/** Kinds of reason why a step was or was not taken from the cache. */
export const explainKinds = [
  // Taken from the cache.
  'unchanged',
  'made-before',
  'same-content',
  'file-touched',
  // Not looked for.
  'no-cache',
  // Looked for, and of no use.
  'record-gone',
  'layer-gone',
  'never-finished',
  'other-mode',
  'rules-changed',
  // Another step than before.
  'first-build',
  'instruction-new',
  'instruction-changed',
  'instruction-removed',
  'order-changed',
  'setting-changed',
  'variable-new',
  'variable-changed',
  'variable-gone',
  'base-moved',
  'base-changed',
  'step-rebuilt',
  'ignore-changed',
  'file-renamed',
  'file-changed',
  'file-mode',
  'file-owner',
  'file-added',
  'file-removed',
  'files-changed',
  // Of build args.
  'arg-used',
  'arg-unused',
  'unknown',
] as const

/** One reason: its kind for programs, a sentence for people. Values of variables are in neither. */
export interface ExplainReason {
  readonly kind: (typeof explainKinds)[number]
  readonly text: string
}

/** What a transfer moves. */
export type TransferKind = 'pull' | 'push' | 'copy' | 'download' | 'export' | 'unpack'

export type BuildEvent =
  | {
      readonly type: 'build-started'
      readonly version: typeof eventVersion
      readonly dockerfile: string
      readonly context: string
    }
  | { readonly type: 'context'; readonly files: number; readonly bytes: number; readonly durationMs: number }
  | { readonly type: 'plan'; readonly steps: readonly StepLine[]; readonly stages?: readonly StageLine[] }
  | { readonly type: 'step-started'; readonly id: string }
  | { readonly type: 'step-output'; readonly id: string; readonly stream: 'stdout' | 'stderr'; readonly text: string }
  | {
      readonly type: 'step-finished'
      readonly id: string
      readonly outcome: 'done' | 'cached' | 'failed' | 'cancelled'
      readonly durationMs: number
      /** Layer made or reused, or the config's id for metadata steps. */
      readonly digest?: Digest
    }
  | {
      /** Why a step was or was not cached (`--explain`); without `id`, what is to say of the build as a whole. */
      readonly type: 'explain'
      readonly id?: string
      readonly outcome?: 'cached' | 'built'
      readonly reasons: readonly ExplainReason[]
    }
  | {
      readonly type: 'transfer-started'
      readonly id: string
      readonly kind: TransferKind
      readonly subject: string
      readonly total?: number
    }
  | { readonly type: 'transfer-progress'; readonly id: string; readonly current: number; readonly total?: number }
  | {
      readonly type: 'transfer-finished'
      readonly id: string
      readonly outcome: 'done' | 'exists' | 'mounted' | 'failed'
      readonly bytes: number
      readonly durationMs: number
    }
  | {
      readonly type: 'warning'
      readonly message: string
      readonly at?: SourceRange
      /** Of a build check: its name, what it is about, and the page on it. */
      readonly rule?: string
      readonly description?: string
      readonly url?: string
    }
  /** A shell takes the terminal: nothing may be drawn until the build ends. */
  | { readonly type: 'shell' }
  | {
      readonly type: 'message'
      readonly text: string
      /** What a registry does or says that its user should know: a mirror passed over, a limit on pulls. */
      readonly about?: 'registry'
    }
  | { readonly type: 'image'; readonly id: Digest; readonly manifest: Digest; readonly tags: readonly string[] }
  | { readonly type: 'pushed'; readonly reference: string; readonly digest: Digest; readonly size: number }
  | { readonly type: 'build-finished'; readonly outcome: 'done' | 'failed' | 'cancelled'; readonly durationMs: number }
