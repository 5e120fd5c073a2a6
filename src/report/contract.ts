/** What a report shows: plain data, from which every form is made. Sizes are in bytes, times in milliseconds. */
import type { BytePath } from '../core/bytepath.ts'
import type { Digest } from '../core/digest.ts'
import type { TransferKind } from '../core/events.ts'
import type { EntryType } from '../oci/contents.ts'

/** Version of what `--json` prints. */
export const reportVersion = 1

/** What a layer does to a path: adds it, changes it, deletes it, or only has it on the way to something else. */
export type Mark = 'A' | 'C' | 'D' | ''

/** A path that a layer has something to say of. */
export interface Change {
  readonly path: BytePath
  readonly mark: Mark
  readonly type: Exclude<EntryType, 'whiteout' | 'opaque'>
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Of a file what it adds to the layer, of what is deleted what can no longer be seen. */
  readonly size: number
  readonly link?: BytePath
  /** True for a changed file with the bytes that it had. */
  readonly sameBytes?: true
}

/** Bytes of a layer that a later one (or the same) hides. */
export interface Waste {
  readonly path: BytePath
  readonly size: number
  /** Index of the layer that has the bytes, and of the one that hides them. */
  readonly layer: number
  readonly by: number
  /** `copied`: written again with the same bytes. */
  readonly how: 'overwritten' | 'deleted' | 'copied'
}

export interface LayerReport {
  readonly diffId: Digest
  /** Of the uncompressed tar, else of the blob. */
  readonly size: number
  /** The instruction, as the history has it; '' if that says nothing. */
  readonly createdBy: string
  readonly created?: string
  readonly comment?: string
  readonly added: number
  readonly changed: number
  readonly deleted: number
  /** Of its bytes what later layers hide. */
  readonly wasted: number
  /** In the order of a tree: a folder before what it holds. */
  readonly changes: readonly Change[]
}

/** A history entry; `layer` is the index of the layer that it made. */
export interface HistoryLine {
  readonly createdBy: string
  readonly created?: string
  readonly layer?: number
}

export interface ImageReport {
  /** As people write it. */
  readonly names: readonly string[]
  readonly id: Digest
  readonly platform: string
  readonly created?: string
  /** Sum of the layers. */
  readonly size: number
  /** Files, links and the like that the image shows in the end; folders do not count. */
  readonly files: number
  /** Lowest first. */
  readonly layers: readonly LayerReport[]
  /** Oldest first. */
  readonly history: readonly HistoryLine[]
  readonly wasted: number
  /** Largest first. */
  readonly waste: readonly Waste[]
}

export type StepOutcome = 'done' | 'cached' | 'failed' | 'cancelled' | 'silent'

export interface StepReport {
  readonly id: string
  readonly stage: string
  readonly ordinal: number
  readonly text: string
  readonly makesLayer: boolean
  /** `silent`: it only edits the config, or the build ended before it. */
  readonly outcome: StepOutcome
  /** When it began and ended, after the build's beginning. */
  readonly start?: number
  readonly end?: number
  /** When all that it needs was there; what lies between that and `start` was waited. */
  readonly ready?: number
  readonly digest?: Digest
  readonly needs: readonly string[]
  /** True for the steps that nothing could have run beside: the build would be as much shorter as they. */
  readonly isCritical: boolean
}

export interface StageReport {
  readonly name: string
  readonly base: string
  readonly uses: readonly string[]
  readonly images: readonly string[]
  readonly isTarget: boolean
  /** Steps that ran, that were cached, and how long they took. */
  readonly ran: number
  readonly cached: number
  readonly busy: number
}

export interface TransferReport {
  readonly kind: TransferKind
  readonly subject: string
  readonly start: number
  readonly end: number
  readonly bytes: number
  readonly outcome: 'done' | 'exists' | 'mounted' | 'failed'
}

export interface BuildReport {
  /** Of the record; absent if there is none. */
  readonly id?: string
  /** ISO 8601. */
  readonly startedAt: string
  readonly dockerfile: string
  readonly context: string
  readonly outcome: 'done' | 'failed' | 'cancelled'
  readonly duration: number
  readonly stages: readonly StageReport[]
  readonly steps: readonly StepReport[]
  readonly transfers: readonly TransferReport[]
  /** Time that steps took together. */
  readonly busy: number
  /** Ids of the images that came out. */
  readonly images: readonly Digest[]
}

/** One of the two at least. */
export interface Report {
  readonly title: string
  readonly image?: ImageReport
  readonly build?: BuildReport
}
