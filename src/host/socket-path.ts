/** Names for Unix sockets that fit into their addresses. */
import { closeSync, constants, openSync } from 'node:fs'
import { basename, dirname } from 'node:path'

const pathOnly = 0o10000000

/** A name for a socket that fits into its address, which has room for 107 bytes (unix(7)); it holds until `close`. */
export function shortSocketPath(path: string): { readonly path: string; close(this: void): void } {
  const fd = openSync(dirname(path), pathOnly | constants.O_DIRECTORY)
  let closed = false
  const close = (): void => {
    if (!closed) closeSync(fd)
    closed = true
  }
  return { path: `/proc/self/fd/${fd}/${basename(path)}`, close }
}
