/** Short ways to write entries. */
import type { BytePath } from '../../src/core/bytepath.ts'
import type { Entry } from '../../src/oci/contents.ts'

const common = { mode: 0o644, uid: 0, gid: 0, size: 0, mtime: 0n }

/** A regular file; its hash and offset are made from the path unless given. */
export function file(path: BytePath, changes: Partial<Entry> = {}): Entry {
  const sha256 = Buffer.from(path, 'latin1').toString('hex').padStart(64, '0').slice(-64)
  return { ...common, path, type: 'file', size: 10, sha256, offset: 512, ...changes }
}

export function dir(path: BytePath, changes: Partial<Entry> = {}): Entry {
  return { ...common, path, type: 'dir', mode: 0o755, ...changes }
}

export function symlink(path: BytePath, link: BytePath, changes: Partial<Entry> = {}): Entry {
  return { ...common, path, type: 'symlink', mode: 0o777, link, ...changes }
}

export function hardlink(path: BytePath, link: BytePath): Entry {
  return { ...common, path, type: 'hardlink', link }
}

export function whiteout(path: BytePath): Entry {
  return { ...common, path, type: 'whiteout' }
}

export function opaque(path: BytePath): Entry {
  return { ...common, path, type: 'opaque' }
}
