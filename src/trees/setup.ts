/** What the outer process tells the inner one at its start, as its only argument. */
import type { Mode } from '../host/contract.ts'

/** JSON of the inner process's argument. */
export interface InnerSetup {
  readonly protocol: number
  readonly mode: Mode
  readonly driver: 'overlay' | 'copy'
  /** Folder of this driver's and map's snapshots. */
  readonly snapshotsDir: string
  /** Folder of this map's cache mounts. */
  readonly mountsDir: string
  /** Folder of this driver's and map's working containers. */
  readonly containersDir: string
  /** In chroot mode: files with secrets may lie on a disk for the time of a run. */
  readonly secretsOnDisk: boolean
  /** Pid of the outer process, which the inner one must not outlive. */
  readonly parent: number
}
