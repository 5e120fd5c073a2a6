/** What goes into a layer and what comes of making or reading one. */
import type { BytePath } from '../core/bytepath.ts'
import type { Digest } from '../core/digest.ts'
import type { Entry } from '../oci/contents.ts'

/** An entry to write, and where a regular file's bytes are: `entry.size` bytes of the file `path` (on disk) from `offset`. */
export interface SealItem {
  readonly entry: Entry
  readonly source?: { readonly path: BytePath; readonly offset: number }
}

/** A layer that was just written as an uncompressed tar. */
export interface SealedLayer {
  readonly diffId: Digest
  /** Size of the tar in bytes. */
  readonly size: number
  /** Number of entries; 0 means that there is nothing to keep. */
  readonly entries: number
}
