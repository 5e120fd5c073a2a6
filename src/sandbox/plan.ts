/** A run as plain data, computed before anything is mounted: it goes to the thread that starts the process. */
import type { SandboxMount } from './contract.ts'

/** What `launch` does. */
export interface LaunchPlan {
  /** The root file system. */
  readonly root: string
  /** Files that replace those of the root file system, for reading: paths on disk without any symbolic link, and contents. */
  readonly files: readonly { readonly target: string; readonly content: string }[]
  readonly hostname: string
  /** True if a fresh /proc cannot be mounted here: the host's is shown. */
  readonly hostProc: boolean
  /** True if uid 0 of the run is uid 0 of what surrounds it: then kernel files that docker hides are covered. */
  readonly maskKernel: boolean
  /** Files of the run's own below /dev: path relative to it, content, mode. */
  readonly devFiles: readonly { readonly path: string; readonly content: string; readonly mode: number }[]
  readonly cwd: string
  readonly mounts: readonly SandboxMount[]
  /** Size of /dev/shm in bytes. */
  readonly shmSize: number
  /** Program of the host and its arguments, to be started in the new namespaces. */
  readonly argv: readonly string[]
  /** `NAME=value` entries that its whole chain of programs has in its environment. */
  readonly secretEnv: readonly string[]
  /** Descriptors for standard input, output and error, and the one for the status. */
  readonly stdio: readonly (number | 'ignore')[]
  readonly status: number
  /** It gets a terminal of its own for its standard streams, which belongs to this user id. */
  readonly terminalOwner?: number
  /** A session of its own, out of reach of the terminal's signals. */
  readonly detached: boolean
}
