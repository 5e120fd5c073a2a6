/** What the chroot sandbox and its keeper say to each other: one JSON object a line. */
import type { ResourceLimit } from '../contract.ts'
import type { ChildEnd } from '../step.ts'

/** A standard stream of the process: a descriptor of the sandbox's process to be opened anew, the keeper's own one, or nothing. */
export type KeeperStream = { readonly open: number } | { readonly own: number } | null

/** A process to start. */
export interface KeeperStart {
  readonly kind: 'start'
  readonly root: string
  readonly cwd: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly uid: number
  readonly gid: number
  readonly groups: readonly number[]
  readonly limits: readonly ResourceLimit[]
  readonly streams: readonly KeeperStream[]
  /** A session of its own, out of reach of the terminal's signals. */
  readonly detached: boolean
  /** It has the terminal to itself. */
  readonly job: boolean
  /** A file to hold a lock on until nothing of it runs any more. */
  readonly lock: string
  /** Files that are to be empty if the sandbox's process dies: secrets. */
  readonly wiped: readonly string[]
}

/** To the keeper. Its end of file means that the sandbox's process is gone. */
export type KeeperRequest = KeeperStart | { readonly kind: 'kill' }

/** From the keeper. `ready` once; `ended` when the process and all that it started are gone. */
export type KeeperMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'started' }
  /** Nothing of it runs; `at` says whether it was the program that could not be executed. */
  | { readonly kind: 'failed'; readonly at: 'program' | 'preparation'; readonly code: string; readonly message: string }
  | { readonly kind: 'ended'; readonly end: ChildEnd }
