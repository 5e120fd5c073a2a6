/** File systems by what snapshots can do on them. */
import { statfsSync } from 'node:fs'

/** A kind of file system. */
export interface FileSystem {
  readonly name: string
  /** Whether an overlay's upper folder may be there: the kernel's documentation of overlayfs, "Upper and Lower". */
  readonly holdsOverlays: boolean
}

/** By magic number: statfs(2). */
const fileSystems: Readonly<Record<number, readonly [name: string, holdsOverlays: boolean]>> = {
  0xef53: ['ext4', true],
  0x58465342: ['xfs', true],
  0x9123683e: ['btrfs', true],
  0x01021994: ['tmpfs', true],
  0x2fc12fc1: ['zfs', true],
  0xf2f52010: ['f2fs', true],
  0x794c7630: ['overlay', false],
  0x6969: ['nfs', false],
  0x65735546: ['fuse', false],
  0xff534d42: ['cifs', false],
  0xfe534d42: ['smb', false],
  0xf15f: ['ecryptfs', false],
}

/** The file system of a magic number; one that is not known is taken to be a disk's. */
export function fileSystemOf(magic: number): FileSystem {
  const [name, holdsOverlays] = fileSystems[magic] ?? [`file system 0x${magic.toString(16)}`, true]
  return { name, holdsOverlays }
}

/** How snapshots are kept in a folder that exists. */
export function snapshotDriver(folder: string): 'overlay' | 'copy' {
  return fileSystemOf(statfsSync(folder).type >>> 0).holdsOverlays ? 'overlay' : 'copy'
}
