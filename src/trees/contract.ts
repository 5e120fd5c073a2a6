/**
 * Everything that touches a root file system, as one service. Its work is done by the inner process, which is uid 0 of a
 * namespace; it is started at the first call. It knows nothing of registries, Dockerfiles or the store's records: it gets
 * paths and digests, and gives digests.
 */
import type { Digest } from '../core/digest.ts'
import type { Scope } from '../core/scope.ts'
import type { Ulimit } from '../core/ulimit.ts'
import type { SealedLayer } from '../layer/contract.ts'
import type { ContainerTrees } from './container-contract.ts'

/** A layer of a stack, lowest first, with all that is needed to unpack it. */
export interface StackLayer {
  readonly diffId: Digest
  /** ChainID of the stack up to this layer: names the snapshot. */
  readonly chainId: Digest
  /** The blob's file, in any compression. Need not exist while the snapshot does. */
  readonly blobPath: string
  /** The contents list, if there is one. Needed in single mode. */
  readonly contentsPath: string
  /** The blob is still being fetched: it gathers in this file, up to so many bytes, and moves to `blobPath` when it is verified. */
  readonly arriving?: { readonly path: string; readonly size: number }
}

/** What a run sees beside its root file system; none of it is part of the layer. Targets are absolute paths in the root. */
export type TreeMount =
  /** A folder or file of another unpacked stack (no layers: an empty folder). Unless read-only, changes are dropped after the run. */
  | {
      readonly kind: 'stack'
      readonly layers: readonly StackLayer[]
      readonly source: string
      readonly target: string
      readonly readOnly: boolean
    }
  /**
   * A folder that is kept for later runs, by id. `locked` waits until no other run has it, `private` takes another one of the
   * same id meanwhile. A new one is a copy of `source` in the seed, or an empty folder with the given mode and owner.
   */
  | {
      readonly kind: 'cache'
      readonly id: string
      readonly sharing: 'shared' | 'private' | 'locked'
      readonly seed?: readonly StackLayer[]
      readonly source: string
      readonly target: string
      readonly readOnly: boolean
      readonly mode: number
      readonly uid: number
      readonly gid: number
    }
  /** A file or folder of this machine, as the caller may use it. Not in chroot mode. */
  | { readonly kind: 'host'; readonly source: string; readonly target: string; readonly readOnly: boolean }
  /** A folder that is kept by name beside containers; a new one is a copy of what the tree has at the target. */
  | { readonly kind: 'volume'; readonly name: string; readonly target: string; readonly readOnly: boolean }
  /** Empty memory; `size` in bytes. */
  | { readonly kind: 'tmpfs'; readonly target: string; readonly size?: number }
  /** A file in memory (a secret): content as base64. */
  | {
      readonly kind: 'file'
      readonly target: string
      readonly content: string
      readonly mode: number
      readonly uid: number
      readonly gid: number
    }
  /** A Unix socket whose connections go to the socket at `path` of the host. */
  | {
      readonly kind: 'socket'
      readonly target: string
      readonly path: string
      readonly mode: number
      readonly uid: number
      readonly gid: number
    }

/** A process to run over a stack of layers. */
export interface TreeRun {
  readonly layers: readonly StackLayer[]
  readonly args: readonly string[]
  readonly env: readonly string[]
  /** More of them, which win, and which no other user of the machine may see: names are those of shell variables. */
  readonly secretEnv?: readonly string[]
  readonly cwd: string
  /** `user[:group]` as in a Dockerfile; '' is root. */
  readonly user: string
  readonly network: 'host' | 'none'
  readonly hostname: string
  readonly extraHosts: readonly (readonly [host: string, address: string])[]
  /** Mounted in their order. */
  readonly mounts?: readonly TreeMount[]
  /** Size of /dev/shm in bytes, if not 64 MiB. */
  readonly shmSize?: number
  readonly ulimits?: readonly Ulimit[]
  /** Cgroup below the caller's own to run in, if that one is delegated. */
  readonly cgroupParent?: string
  /**
   * A command to run in the foreground when the process fails, with the same root (as it was left), mounts and variables.
   * The trees must have been made with the standard streams.
   */
  readonly onFailure?: readonly string[]
  /** A file that only the process sees, at /dev/pipes/NAME. */
  readonly script?: { readonly name: string; readonly content: string }
  /** Temp files for the layer that its changes become: uncompressed tar, and contents list. Undefined: changes are dropped. */
  readonly output?: { readonly tarPath: string; readonly contentsPath: string }
  /** True: the process gets wherry's own standard streams (`run` in the foreground). */
  readonly foreground: boolean
}

/** How a run ended. `sealed` is there if it exited with 0 and its changes are kept. */
export interface TreeRunResult {
  readonly exitCode: number
  readonly sealed?: SealedLayer
}

/** What unpacking found out about layers that had no contents list. */
export interface IndexedLayer {
  readonly diffId: Digest
  readonly size: number
  readonly contentsPath: string
}

/** A cache mount in the store. */
export interface CacheMount {
  readonly name: string
  /** As the runs call it. */
  readonly id: string
  /** On disk. */
  readonly bytes: number
  /** Milliseconds since 1970. */
  readonly lastUsed: number
}

/** A cache mount to seal as a layer. */
export interface SealMountRequest {
  /** Of one that began as an empty folder. */
  readonly id: string
  /** A larger one is left, in bytes of its tar. */
  readonly limit: number
  /** Temp files for the uncompressed tar and its contents list. */
  readonly tarPath: string
  readonly contentsPath: string
}

/**
 * What came of it. `absent`: it is not there, or has nothing in it; `busy`: a run has it to itself; `unreadable`: other runs
 * changed it meanwhile, for instance.
 */
export type SealedMount =
  | { readonly kind: 'sealed'; readonly layer: SealedLayer }
  | { readonly kind: 'too-large'; readonly bytes: number }
  | { readonly kind: 'unreadable'; readonly why: string }
  | { readonly kind: 'absent' | 'busy' }

/** A cache mount to begin, and the layer that it begins as. */
export interface BeginMountRequest extends Pick<StackLayer, 'diffId' | 'blobPath'> {
  readonly id: string
}

/** The service. All calls may run at once. Errors: `sandbox-failed`, `host-unsupported`, `usage`, `copy-failed` (a mount's source), `archive-invalid`, `digest-mismatch`, `user-unknown`, `cancelled`. */
export interface Trees {
  /** Of a stack's layers, those whose snapshot is absent. */
  missing(layers: readonly StackLayer[], scope: Scope): Promise<readonly StackLayer[]>
  /**
   * Makes the snapshot of every layer of the stack present; blobs of absent ones must be there, or arriving: then they are read as
   * they come, and no snapshot of them is published before they are verified. Idempotent.
   * `tempFor` names a temp file for the contents list of a layer that has none.
   */
  unpack(
    layers: readonly StackLayer[],
    tempFor: (diffId: Digest) => string,
    scope: Scope,
  ): Promise<readonly IndexedLayer[]>
  /** What layers made here are; known without starting the inner process. */
  readonly fidelity: 'exact' | 'emulated'
  /** Runs a process over an unpacked stack. With `output`, the result's snapshot is committed too. `onFailure` is called right before `run.onFailure` takes the terminal. */
  run(
    run: TreeRun,
    onOutput: (stream: 'stdout' | 'stderr', text: string) => void,
    scope: Scope,
    onFailure?: () => void,
  ): Promise<TreeRunResult>
  /** Deletes snapshots; absent ones are fine. */
  remove(chainIds: readonly Digest[], scope: Scope): Promise<void>
  /** The cache mounts under this map of ids. */
  cacheMounts(scope: Scope): Promise<readonly CacheMount[]>
  /** Deletes cache mounts by name, save those that a run has at the moment. Resolves with what went. */
  removeCacheMounts(names: readonly string[], scope: Scope): Promise<readonly CacheMount[]>
  /** What a cache mount holds, as a layer; the same content gives the same layer. */
  sealCacheMount(request: SealMountRequest, scope: Scope): Promise<SealedMount>
  /** True if there is one of this id, or if a run makes it at the moment. */
  hasCacheMount(id: string, scope: Scope): Promise<boolean>
  /** Makes a cache mount whole or not at all. Resolves with false if there is one already, which stays as it is. */
  beginCacheMount(request: BeginMountRequest, scope: Scope): Promise<boolean>
  /** Trees of working containers. */
  readonly containers: ContainerTrees
  /** Starts the inner process ahead of a run that is sure to come. What goes wrong is told by that run. */
  warm(): void
  /** Ends the inner process, if it runs. */
  close(): Promise<void>
}
