/** Making what `node:fs` cannot: fifos and overlayfs's whiteouts. */
import { type BytePath, toBytes } from '../core/bytepath.ts'
import { makeNode as mknod } from '../host/files.ts'
import type { Entry } from '../oci/contents.ts'

/**
 * Makes a fifo with no permissions yet. False for a device: in a user namespace the kernel makes none, and where it would, a
 * device in an image could be the disk of the machine. The contents list knows it.
 */
export function makeNode(disk: BytePath, entry: Entry): boolean {
  if (entry.type !== 'fifo') return false
  mknod(toBytes(disk), { type: entry.type, mode: 0 })
  return true
}

/** Marks a name of an upper directory as deleted: the one device that a user namespace may make. */
export function makeWhiteout(disk: BytePath): void {
  mknod(toBytes(disk), { type: 'char', mode: 0 })
}
