/** Copying one file, link or node with all its metadata. */
import { constants, copyFileSync, symlinkSync } from 'node:fs'
import { type BytePath, toBytes } from '../core/bytepath.ts'
import type { Entry } from '../oci/contents.ts'
import { setMetadata, setTime } from './metadata.ts'
import { makeNode } from './nodes.ts'

/**
 * Copies what is at `from` and is described by `entry` to the free path `to`, sharing the bytes where the file system can.
 * Devices are left out.
 */
export function copyNode(from: BytePath, to: BytePath, entry: Entry, owners: boolean): void {
  const target = toBytes(to)
  if (entry.type === 'symlink') symlinkSync(toBytes(entry.link ?? ''), target)
  else if (entry.type === 'file')
    copyFileSync(toBytes(from), target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
  else if (!makeNode(to, entry)) return
  setMetadata(to, entry, owners)
  setTime(to, entry.mtime)
}
