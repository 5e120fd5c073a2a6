/** Types of what the host allows and of the namespace that wherry works in; plain data, so that they can be printed and sent. */
import type { Duplex } from 'node:stream'

/** What the user may ask for. `chroot` is for containers in which user namespaces are forbidden. */
export type Isolation = 'auto' | 'mapped' | 'single' | 'chroot'

/** One line of /proc/PID/uid_map: `count` ids from `inside` are the ids from `outside` of the parent namespace. */
export interface IdRange {
  readonly inside: number
  readonly outside: number
  readonly count: number
}

/**
 * How ids are mapped, in a user namespace made by wherry; in `chroot` mode there is none, and ids are those that are there.
 * JSON-serialisable: the inner process gets it from the outer one.
 */
export interface Mode {
  readonly kind: 'mapped' | 'single' | 'chroot'
  /**
   * Who writes the maps. `newuidmap`: the setuid helpers. `root`: the outer process, a range that is not its own.
   * `self`: the outer process, its own id only. `identity`: root of a container that has no other ids. `none`: nobody.
   */
  readonly writer: 'newuidmap' | 'root' | 'self' | 'identity' | 'none'
  /** Names the map in the store (`Store.snapshotsDir`): trees made under one map are not for another. */
  readonly idMap: string
  readonly uids: readonly IdRange[]
  readonly gids: readonly IdRange[]
  /**
   * How many of the inner ids, from 0, a RUN sees, in a further namespace of its own; undefined if it shares the inner
   * process's namespace. With writer `root` the inner namespace also holds all other ids of the host, so that the inner
   * process can read what root can; a RUN must not have them.
   */
  readonly runIds?: number
  /** What layers made in this mode are: `emulated` where owners cannot all be kept. */
  readonly fidelity: 'exact' | 'emulated'
}

/** What stands in the way of a mode, as a word for programs; `advice.ts` has the sentence and the fix for each. */
export type Cause =
  | 'no-unshare'
  | 'busybox-unshare'
  | 'max-user-namespaces'
  | 'unprivileged-userns-clone'
  | 'apparmor-userns'
  | 'apparmor-profile'
  | 'seccomp'
  | 'in-chroot'
  | 'namespaces-nested'
  | 'userns-refused'
  | 'no-newuidmap'
  | 'newuidmap-unprivileged'
  | 'newuidmap-bounded'
  | 'no-new-privs'
  | 'no-subids'
  | 'few-ids'
  | 'root-capabilities'
  | 'not-root'
  | 'chroot-capabilities'
  | 'one-id'

/** Why a mode cannot be used here, and the command or setting that mends it. */
export interface Refusal {
  readonly mode: 'mapped' | 'single' | 'chroot'
  readonly cause?: Cause
  readonly reason: string
  readonly fix?: string
}

/** Result of choosing a mode. */
export type Choice =
  | { readonly ok: true; readonly mode: Mode; readonly refused: readonly Refusal[] }
  | { readonly ok: false; readonly refused: readonly Refusal[] }

/** A range of /etc/subuid or /etc/subgid. */
export interface SubIds {
  readonly first: number
  readonly count: number
}

/** Who starts and confines a container, which decides where its settings stand. */
export type Runtime = 'docker' | 'podman' | 'kubernetes' | 'gitlab' | 'lxc' | 'other'

/** How a helper program gains what it needs: its setuid bit, file capabilities, or not at all. */
export type HelperPrivilege = 'setuid' | 'capability' | 'none'

/** What confines this process from outside. */
export interface Confinement {
  readonly seccomp: 'none' | 'strict' | 'filter'
  /** Capabilities that no child can have more than, in hexadecimal. */
  readonly bounding: string
  /** What a security module calls this process; undefined without one. */
  readonly label?: string
  readonly runtime?: Runtime
  /** True in a chroot that is no mount point, where the kernel makes no user namespaces. */
  readonly chrooted: boolean
}

/** What the machine has and allows, read once. */
export interface Facts {
  readonly uid: number
  readonly gid: number
  readonly user: string
  readonly arch: string
  readonly kernel: string
  /** Effective capabilities, a bit set in hexadecimal, as /proc/self/status has it. */
  readonly capabilities: string
  readonly noNewPrivs: boolean
  /** The ids of this process's own user namespace; on the host, and in a container without a map of its own, all of them. */
  readonly uidMap: readonly IdRange[]
  readonly gidMap: readonly IdRange[]
  /** Looks like a container: what gave it away, else undefined. */
  readonly container?: string
  /** True if parts of /proc are covered by other mounts, so that a fresh one cannot be mounted. */
  readonly procMasked: boolean
  /** Why user namespaces are refused: a setting, or what `unshare --user --mount true` said if that was tried; undefined if they are not. */
  readonly usernsRefusal?: string
  readonly sysctls: Readonly<Record<string, string>>
  /** Absolute paths of the host programs that wherry calls, by name, as far as they are there. */
  readonly tools: Readonly<Record<string, string>>
  /** True if `unshare` is busybox's, which lacks what is needed. */
  readonly busyboxUnshare: boolean
  /** Ranges of this user; for root those of `root` or `containers`. */
  readonly subuids: readonly SubIds[]
  readonly subgids: readonly SubIds[]
  /** Ranges of every user, uids and gids together, for root to pick one that nobody has. */
  readonly takenIds: readonly SubIds[]
  readonly seccompActions: readonly string[]
  readonly confinement: Confinement
  /** Of newuidmap and newgidmap, as far as they are there. */
  readonly helperPrivileges: Readonly<Record<string, HelperPrivilege>>
}

/** One line of `wherry doctor`. */
export interface Finding {
  readonly name: string
  /** `note`: builds work, but less well than they could. */
  readonly level: 'ok' | 'note' | 'missing'
  /** What was seen. */
  readonly found: string
  /** The exact command or setting that mends it. */
  readonly fix?: string
}

/** What to run inside the namespace. */
export interface InnerCommand {
  /** Arguments for the running Node: options, the script, its arguments. */
  readonly argv: readonly string[]
  /** Complete environment; PATH is widened by the sbin folders and NODE_EXTRA_CA_CERTS is dropped. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** `inherit`: it has the caller's standard streams (a RUN may get them); else no input or output, and errors are kept for `lastErrors`. */
  readonly stdio?: 'inherit'
}

/** A process that runs as uid 0 of a new user and mount namespace, and dies with this one. */
export interface InnerProcess {
  readonly pid: number
  /** Both directions; the inner process has its end as `controlFd`. Its end of file there means that the outer process is gone. */
  readonly control: Duplex
  /** At once, with all that it started. */
  kill(): void
  /** The last of what it wrote to standard error, unless `stdio` is `inherit`. */
  lastErrors(): string
  /** Never rejects. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
}

/** Descriptor of the control stream in the inner process. */
export const controlFd = 3
