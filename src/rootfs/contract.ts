/**
 * Snapshots: root file systems on disk, one per chainID, and the writable layers on top of them.
 *
 * Lifecycle. `begin(parents)` gives a private draft over committed snapshots. Either an archive is applied to it (unpacking a
 * layer) or it is mounted and a process writes through the mount (RUN). `changes()` then lists what the draft holds above its
 * parents. `commit` publishes it under a chainID; `discard` drops it. A committed snapshot never changes. A crash leaves drafts
 * only, which the next `sweep` removes. All of this runs inside the namespace, as uid 0 of it, except for tests.
 */
import type { BytePath } from '../core/bytepath.ts'
import type { Digest } from '../core/digest.ts'
import type { Entry } from '../oci/contents.ts'

/** A stack of layers, lowest first, as chainIDs: the last one names the whole. Empty for scratch. */
export type Parents = readonly Digest[]

/** A difference of a draft from its parents. `entry.sha256` and `entry.offset` are not set yet; uid and gid are the kernel's. */
export interface Change {
  readonly entry: Entry
  /** Path on disk of what the entry describes, for reading a file's bytes; undefined for whiteout and opaque. */
  readonly source?: BytePath
  /** Inode and birth time (`ino:birthtimeNs`) as seen through the mount where they differ, for the owner recorder of single mode. */
  readonly identity?: string
  /** The parents have nothing at this path. */
  readonly fresh: boolean
}

/** Something mounted; `path` is absolute. */
export interface MountedTree {
  readonly path: string
  unmount(): Promise<void>
}

/** Receives one regular file's bytes. */
export interface FileSink {
  write(chunk: Uint8Array): void
  close(): void
}

/** Takes the entries of a layer in any order that an archive may have, safely: nothing is ever written outside the draft. */
export interface Applier {
  /** Applies one entry; for a regular file returns the sink for its bytes, which is closed before the next entry. @throws archive-invalid */
  entry(entry: Entry): FileSink | undefined
  /** Sets what had to wait (folder times, modes). */
  finish(): void
}

/** What counts as a change beside what the disk shows. */
export interface ChangesOptions {
  /** Mount points, left out where they are only empty stubs that the parents lack. */
  readonly excluded: readonly BytePath[]
  /** Identities (`Change.identity`) of what got another owner that the disk does not show: changed, whatever it looks like. For single mode. */
  readonly owned?: { has(identity: string): boolean }
}

export interface Draft {
  /** Folder on disk that belongs to the draft alone. */
  readonly dir: string
  readonly parents: Parents
  /** For unpacking a layer. `owners: false` leaves uid and gid alone (single mode). */
  applier(options: { readonly owners: boolean }): Applier
  /** Mounts parents and draft for writing. At most once at a time. */
  mount(): Promise<MountedTree>
  /**
   * What the draft changed, in tree order, folders before what they hold; whiteouts and opaques before additions of the same
   * folder. While it is mounted nobody may write to it.
   */
  changes(options: ChangesOptions): Iterable<Change>
  discard(): Promise<void>
}

/** One way to keep snapshots: `overlay` or `copy`. Six methods; see test/conformance for the suite that each passes. */
export interface Snapshotter {
  readonly driver: 'overlay' | 'copy'
  /** True if a committed snapshot with this chainID is there and whole. */
  has(chainId: Digest): Promise<boolean>
  /**
   * A new draft; with `keptAt`, a folder of the same file system, the one that is kept there, made if there is none. That one
   * outlives its process, and a crash leaves it whole; one process at a time may have it.
   */
  begin(parents: Parents, keptAt?: string): Promise<Draft>
  /** Publishes a draft; if the chainID is there already the draft is discarded. */
  commit(draft: Draft, chainId: Digest): Promise<void>
  /** Mounts a stack read-only. */
  view(parents: Parents): Promise<MountedTree>
  /** Deletes a committed snapshot; absent is fine. */
  remove(chainId: Digest): Promise<void>
}
