/**
 * Contents lists: what a layer holds, entry by entry, so that its files can be reasoned about without being unpacked.
 * Made while the layer is written or first read; the metadata truth in every id mode.
 */
import type { BytePath } from '../core/bytepath.ts'

/** What an entry is. `whiteout` deletes its path in lower layers; `opaque` hides what lower layers have below a folder. */
export type EntryType = 'file' | 'dir' | 'symlink' | 'hardlink' | 'char' | 'block' | 'fifo' | 'whiteout' | 'opaque'

/** One entry of a layer. */
export interface Entry {
  /** Relative to the root, no leading or trailing slash, no `.` or `..`; '' is the root itself. A whiteout has the path that it deletes. */
  readonly path: BytePath
  readonly type: EntryType
  /** Permission bits with setuid, setgid and sticky: mode & 0o7777. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Bytes of a regular file, else 0. */
  readonly size: number
  /** Modification time in nanoseconds since 1970. */
  readonly mtime: bigint
  /** Symlink target as it is; hardlink target as a path of the form of `path`. */
  readonly link?: BytePath
  readonly devMajor?: number
  readonly devMinor?: number
  /** Extended attributes, name to value, both latin1. Names without `user.overlay.` and `trusted.overlay.`. File capabilities in v2 form. */
  readonly xattrs?: Readonly<Record<string, string>>
  /** Hexadecimal sha256 of a regular file's bytes. */
  readonly sha256?: string
  /** Offset of a regular file's bytes in the layer's uncompressed tar. */
  readonly offset?: number
}

/** A layer's entries in the order of its tar. */
export type ContentsList = readonly Entry[]
