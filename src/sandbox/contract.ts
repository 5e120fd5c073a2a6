/** Running one process in one root file system. Called inside the namespace (the inner process). */
import type { BytePath } from '../core/bytepath.ts'

/**
 * Where a process's output goes. `inherit` gives it the three descriptors given, for `run` in the foreground; as a `job` it has
 * the terminal to itself, if the first of them is one: Ctrl-C then does not reach wherry.
 */
export type Stdio =
  | { readonly kind: 'null' }
  | { readonly kind: 'pipes'; onOutput(this: void, stream: 'stdout' | 'stderr', chunk: Buffer): void }
  | { readonly kind: 'inherit'; readonly fds: readonly [number, number, number]; readonly job?: boolean }
  /**
   * A terminal of its own, for which its user is the owner. `connect` gets the other side, to close at the end, and resolves when
   * all that was written has been taken. Not in chroot mode.
   */
  | { readonly kind: 'terminal'; connect(this: void, master: number): Promise<void> }

/** A process that was started. */
export interface RunningProcess {
  /** The first one of its own pid namespace; undefined if it is gone. */
  first(this: void): number | undefined
  /** Everything of the run descends from this one. */
  readonly pid: number
  /** Owners and devices that were asked for so far, as in `ProcessResult`. */
  owners(this: void): Promise<ProcessResult['owners']>
}

/** Something that a process sees over its root file system. Targets are absolute, symbolic links in them stay inside the root. */
export type SandboxMount =
  /**
   * A folder or a plain file or socket of this mount namespace; the path has no symbolic link. In chroot mode it is taken there
   * and brought back, whether it is read-only or not: it must be the run's alone.
   */
  | {
      readonly kind: 'bind'
      readonly source: string
      readonly target: string
      readonly readOnly: boolean
      /** As is fit for data: no setuid, no devices, and unless `executable` no programs. */
      readonly data?: { readonly executable: boolean }
    }
  /** Empty memory; `size` in bytes. */
  | { readonly kind: 'tmpfs'; readonly target: string; readonly size?: number }

/** A limit of setrlimit(2): its name without RLIMIT_ in lower case; -1 is unlimited. */
export interface ResourceLimit {
  readonly name: string
  readonly soft: number
  readonly hard: number
}

/** A process to run. Text is UTF-8 here: it comes from a Dockerfile or an image config. */
export interface ProcessSpec {
  /** Program and arguments; the program is looked up in PATH of `env` inside the root. */
  readonly args: readonly string[]
  /** `NAME=value` entries; complete, nothing is added. */
  readonly env: readonly string[]
  /**
   * Entries that win over those of `env` and are handed on in the environment only, never as arguments: those are for everybody
   * to read in /proc. Names must be identifiers that mean nothing to the host's own programs.
   */
  readonly secretEnv?: readonly string[]
  /** Absolute; made by the caller if it must exist. */
  readonly cwd: string
  readonly uid: number
  readonly gid: number
  readonly supplementaryGids: readonly number[]
  readonly network: 'host' | 'none'
  readonly hostname: string
  /** Extra lines for /etc/hosts: host name to address. */
  readonly extraHosts: readonly (readonly [host: string, address: string])[]
  readonly stdio: Stdio
  /** Made in their order, after what every run has. */
  readonly mounts?: readonly SandboxMount[]
  /** Size of /dev/shm in bytes, if not 64 MiB. */
  readonly shmSize?: number
  readonly limits?: readonly ResourceLimit[]
  /** In single mode, what belongs to others than root. */
  readonly lowerOwners?: readonly LowerOwner[]
  /** Folder of the control group to run in. */
  readonly cgroup?: string
  /** Is told of the process once it is there. Not in chroot mode. */
  readonly onStart?: (process: RunningProcess) => void
  /** A file that only this process sees, executable, at /dev/pipes/NAME (a RUN heredoc that starts with `#!`). */
  readonly script?: { readonly name: string; readonly content: string }
}

/** A file of the layers below that does not belong to 0:0, or stands for a device, as the mounted tree shows it. */
export interface LowerOwner extends RecordedOwner {
  readonly dev: bigint
  readonly ino: bigint
  /** Birth time in ns; undefined if the inode number alone says which file it is, as on an overlay, where copying up changes the time. */
  readonly birth?: bigint
}

/** An owner that a process asked for (-1 for a half that it left as it was), and the device that it wanted the file to be. */
export interface RecordedOwner {
  readonly uid: number
  readonly gid: number
  readonly device?: { readonly type: 'char' | 'block'; readonly major: number; readonly minor: number }
}

/** How a process ended. Signals are 128 + n, as a shell reports them. */
export interface ProcessResult {
  readonly exitCode: number
  /** Owners and devices that the process asked for, by `ino:birthtimeNs` of the mounted tree; absent where nothing could be remembered. */
  readonly owners?: ReadonlyMap<string, RecordedOwner>
}

/** Runs processes in mounted root file systems. */
export interface Sandbox {
  /**
   * Runs to the end. `root` is a mount point of the caller; what the sandbox mounts below it is gone when it returns, and so are
   * mount points that it had to create in the tree. The whole process tree is killed when `signal` fires.
   * @throws WherryError `sandbox-failed` when the process could not be started (127 and 126 are exit codes, not errors), `cancelled`
   */
  run(root: string, spec: ProcessSpec, signal: AbortSignal): Promise<ProcessResult>
  /** Ends its helper processes and waits until they are reaped: in containers the first process seldom does that for others. */
  close(): Promise<void>
  /** Paths that a run may create in the root file system for its mounts, to be kept out of the layer when the base lacks them. */
  readonly mountPoints: readonly BytePath[]
}
