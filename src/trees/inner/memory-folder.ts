/** Files and sockets of one run that only this process and the run see: in memory, so that secrets never touch a disk. */
import { chmodSync, chownSync, mkdirSync, rmdirSync, rmSync, readdirSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { WherryError } from '../../core/errors.ts'
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
  const path = madeIn(dir)
  const flags = mountFlags.noSuid | mountFlags.noDev
  mount({ source: 'tmpfs', target: path, type: 'tmpfs', flags, data: 'mode=700' })
  const folder = filesIn(path, mode)
  return {
    ...folder,
    close: () => {
      folder.close()
      unmount(path)
      rmdirSync(path)
    },
  }
}

/**
 * A plain folder below `dir`, where nothing can be mounted.
 * @param options `secretsOnDisk`: the user has allowed that files lie on a disk for the time of the run
 */
export function openPlainFolder(
  dir: string,
  { mode, secretsOnDisk }: { readonly mode: Mode; readonly secretsOnDisk: boolean },
): MemoryFolder {
  const path = madeIn(dir)
  const folder = filesIn(path, mode)
  return {
    ...folder,
    file: (content, owner) => {
      if (!secretsOnDisk && !isMemory(path)) throw onDisk(path)
      return folder.file(content, owner)
    },
    close: () => {
      folder.close()
      rmdirSync(path)
    },
  }
}

function onDisk(path: string): WherryError {
  return new WherryError('host-unsupported', 'in chroot mode a secret is a file, and this one would lie on a disk', {
    hint:
      'Give the secret as a variable (RUN --mount=type=secret,id=…,env=…), put the store in memory (--root /dev/shm/wherry), ' +
      'or allow it for the time of the step: --allow secrets.disk.',
    details: { path },
  })
}

/** tmpfs and ramfs: statfs(2). */
const memoryTypes = [0x01021994, 0x858458f6]

function isMemory(path: string): boolean {
  return memoryTypes.includes(statfsSync(path).type)
}

function madeIn(dir: string): string {
  const path = join(dir, 'memory')
  mkdirSync(path, { mode: 0o700 })
  return path
}

function filesIn(path: string, mode: Mode): MemoryFolder {
  let count = 0
  const freshPath = (): string => join(path, String(count++))
  const own = (file: string, owner: Ownership): void => {
    requireIds(mode, { uid: owner.uid, gids: [owner.gid] })
    // In single mode there is one id, which is everybody's.
    if (mode.kind !== 'single') chownSync(file, owner.uid, owner.gid)
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
      for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true })
    },
  }
}
