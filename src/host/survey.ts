/** What `wherry doctor` looks at besides the facts that decide the mode: the store's disk and control groups. */
import { constants, copyFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CgroupState, cgroupState } from './cgroups.ts'
import { ownedName } from './owner.ts'

/** A file system, as far as snapshots care. */
export interface DiskState {
  /** Magic number: statfs(2). */
  readonly fsType: number
  readonly freeBytes: number
  /** Undefined where the file system does not count them. */
  readonly freeFiles?: number
  /** Copies that share their bytes: ioctl_ficlone(2). */
  readonly reflinks: boolean
}

export interface Survey {
  readonly disk: DiskState
  readonly cgroups: CgroupState
}

/** Looks at the folder of the store, which exists and may be written. @throws Error of node:fs if it may not */
export function survey(folder: string): Survey {
  const { type, bavail, bsize, files, ffree } = statfsSync(folder)
  return {
    disk: {
      fsType: type >>> 0,
      freeBytes: bavail * bsize,
      ...(files === 0 ? {} : { freeFiles: ffree }),
      reflinks: hasReflinks(folder),
    },
    cgroups: cgroupState(),
  }
}

function hasReflinks(folder: string): boolean {
  const from = join(folder, ownedName('reflink'))
  const to = `${from}-copy`
  try {
    writeFileSync(from, 'x')
    copyFileSync(from, to, constants.COPYFILE_FICLONE_FORCE)
    return true
  } catch {
    return false // The file system has none, or it is not to be written, which the store says by itself.
  } finally {
    for (const path of [from, to]) rmSync(path, { force: true })
  }
}
