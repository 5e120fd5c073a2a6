/**
 * Contents lists: what a layer holds, entry by entry, so that its files can be reasoned about without being unpacked.
 * Made while the layer is written or first read; the metadata truth in every id mode.
 */
import type { FileMetadata } from '../core/file-metadata.ts'

/** What an entry is. `whiteout` deletes its path in lower layers; `opaque` hides what lower layers have below a folder. */
export type EntryType = 'file' | 'dir' | 'symlink' | 'hardlink' | 'char' | 'block' | 'fifo' | 'whiteout' | 'opaque'

/** One entry of a layer. A whiteout has the path that it deletes; overlay's own attributes are no part of it, and file capabilities are in v2 form. */
export interface Entry extends FileMetadata {
  readonly type: EntryType
  /** Hexadecimal sha256 of a regular file's bytes. */
  readonly sha256?: string
  /** Offset of a regular file's bytes in the layer's uncompressed tar. */
  readonly offset?: number
}

/** A layer's entries in the order of its tar. */
export type ContentsList = readonly Entry[]
