/** Files and sockets of one run in memory that only this process and the run see: secrets never touch a disk. */
import { chmodSync, chownSync, mkdirSync, rmdirSync, rmSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Mode } from '../../host/contract.ts'
import { mount, mountFlags, unmount } from '../../host/mounts.ts'
import { requireIds } from '../../sandbox/ids.ts'

/** Owner and permission bits. */
export interface Ownership {
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/** A tmpfs of its own. */
export interface MemoryFolder {
  /** Writes a file and gives its path. @throws WherryError `sandbox-failed` for an id that is not mapped */
  file(content: Uint8Array, owner: Ownership): string
  /** A path in it that is not taken. */
  freshPath(): string
  /** Gives what is at a path its owner and mode. @throws WherryError `sandbox-failed` for an id that is not mapped */
  own(path: string, owner: Ownership): void
  /** Deletes everything: other mount namespaces may still hold the memory for a while. */
  close(this: void): void
}

/** Mounts one below `dir`. It vanishes with this process, whatever ends it. */
export function openMemoryFolder(dir: string, mode: Mode): MemoryFolder {
  const path = join(dir, 'memory')
  mkdirSync(path, { mode: 0o700 })
  const flags = mountFlags.noSuid | mountFlags.noDev
  mount({ source: 'tmpfs', target: path, type: 'tmpfs', flags, data: 'mode=700' })
  let count = 0
  const freshPath = (): string => join(path, String(count++))
  const own = (file: string, owner: Ownership): void => {
    requireIds(mode, { uid: owner.uid, gids: [owner.gid] })
    // In single mode there is one id, which is everybody's.
    if (mode.kind === 'mapped') chownSync(file, owner.uid, owner.gid)
    chmodSync(file, owner.mode)
  }
  return {
    freshPath,
    own,
    file: (content, owner) => {
      const file = freshPath()
      writeFileSync(file, content, { mode: 0o600, flag: 'wx' })
      own(file, owner)
      return file
    },
    close: () => {
      for (const name of readdirSync(path)) rmSync(join(path, name))
      unmount(path)
      rmdirSync(path)
    },
  }
}
