/** Making what `node:fs` cannot: fifos, devices and overlayfs's whiteouts. */
import { type BytePath, toBytes } from '../core/bytepath.ts'
import { errnoOf } from '../core/errors.ts'
import { makeNode as mknod } from '../host/files.ts'
import type { Entry } from '../oci/contents.ts'

/**
 * Makes a fifo or device with no permissions yet. False if the kernel does not let us make this device, as in a user namespace,
 * and for the device 0:0, which overlayfs would take for a whiteout.
 */
export function makeNode(disk: BytePath, entry: Entry): boolean {
  const { type, devMajor: major = 0, devMinor: minor = 0 } = entry
  if (type !== 'fifo' && type !== 'char' && type !== 'block') return false
  if (type === 'char' && major === 0 && minor === 0) return false
  try {
    mknod(toBytes(disk), { type, mode: 0, major, minor })
    return true
  } catch (error) {
    if (type !== 'fifo' && errnoOf(error) === 'EPERM') return false
    throw error
  }
}

/** Marks a name of an upper directory as deleted: the one device that a user namespace may make. */
export function makeWhiteout(disk: BytePath): void {
  mknod(toBytes(disk), { type: 'char', mode: 0 })
}
