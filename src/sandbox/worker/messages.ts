/** What the inner process's main thread and its helper threads say to each other. */
import type { ChildEnd } from '../step.ts'
import type { LaunchPlan } from '../plan.ts'
import type { Stubs } from '../stubs.ts'
import type { RecordedOwner } from '../contract.ts'
import type { Emulation } from '../filter.ts'
import type { WatchedRun } from './owner-book.ts'

/** What a thread is for. */
export type Role =
  | { readonly kind: 'spawner'; readonly emulation: Emulation }
  | { readonly kind: 'recorder'; readonly listener: number; readonly emulation: Emulation }
  | { readonly kind: 'network' }

/** From the thread that makes a network namespace, at its end: a descriptor of it. */
export interface NetworkMessage {
  readonly fd: number
}

/** To the thread that starts processes. First of all comes `nursery`, once: the pid namespace for them. */
export type SpawnerRequest =
  | { readonly kind: 'nursery'; readonly fd: number }
  | { readonly kind: 'start'; readonly id: number; readonly plan: LaunchPlan }

/** Why a process was not started. */
export interface StartFailure {
  readonly message: string
  /** What to do about it, if the message is meant for the user as it is. */
  readonly hint?: string
  readonly known: boolean
}

/** From it. First of all comes `ready`, once. `stubs` comes before `started` or `failed`, if mount points were made. */
export type SpawnerMessage =
  | { readonly kind: 'ready'; readonly listener: number | undefined }
  | { readonly kind: 'stubs'; readonly id: number; readonly stubs: Stubs }
  | { readonly kind: 'started'; readonly id: number; readonly pid: number; readonly terminal?: number }
  | { readonly kind: 'failed'; readonly id: number; readonly failure: StartFailure }
  | { readonly kind: 'ended'; readonly id: number; readonly end: ChildEnd }

/** To the thread that listens to the filter. Each is answered: `watch` before a process of the run is started. `look` takes nothing away. */
export type RecorderRequest =
  | { readonly kind: 'watch'; readonly id: number; readonly run: WatchedRun }
  | { readonly kind: 'take' | 'look'; readonly id: number }

/** From it. */
export interface RecorderReply {
  readonly id: number
  /** Of `take` and `look`, by identity. */
  readonly owners: readonly (readonly [identity: string, owner: RecordedOwner])[]
}
