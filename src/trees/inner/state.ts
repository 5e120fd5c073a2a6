/** What the inner process holds while it serves. */
import type { Mode } from '../../host/contract.ts'
import type { Snapshotter } from '../../rootfs/contract.ts'
import type { Sandbox } from '../../sandbox/contract.ts'
import type { OpenContainer } from './containers/open.ts'

export interface Inner {
  readonly mode: Mode
  readonly snapshots: Snapshotter
  readonly sandbox: Sandbox
  /** In chroot mode: files with secrets may lie on a disk for the time of a run. */
  readonly secretsOnDisk: boolean
  /** Folder of the cache mounts. */
  readonly mountsDir: string
  /** Folder of the working containers, and those that are mounted, by id. */
  readonly containersDir: string
  /** Where what is being deleted lies, on the same file system. */
  readonly draftsDir: string
  readonly containers: Map<string, OpenContainer>
}
