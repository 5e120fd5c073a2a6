/** What a build is asked for and what it gives: plain data, made by cli/ from argv or by a user of the library. */
import type { Digest } from '../core/digest.ts'
import type { Ulimit } from '../core/ulimit.ts'
import type { Annotation } from '../oci/annotations.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Platform } from '../oci/platform.ts'
import type { PlanOptions } from '../plan/contract.ts'
import type { Packing } from '../transfer/portable.ts'
import type { SecretSource } from './inputs/secrets.ts'
import type { SshSource } from './inputs/ssh.ts'

/** How an image comes out: what of it is made anew on its way. */
export interface ImageForm {
  readonly packing: Packing
  /** Files of this build's layers that are younger than the epoch get its time. */
  readonly rewriteTimestamp: boolean
  /** SOURCE_DATE_EPOCH in seconds for this output alone; null: none, whatever the build has. */
  readonly epoch?: number | null
  readonly annotations: readonly Annotation[]
}

/** The image in the store, and in registries. */
export interface ImageOutput {
  readonly type: 'image'
  /** Full names. */
  readonly names: readonly string[]
  /** `digest`: under no tag, to each name's repository. */
  readonly push: 'no' | 'tag' | 'digest'
  /** Also known in the store as `NAME@DIGEST`, for these names without tag. */
  readonly digestNames: readonly string[]
  readonly form: ImageForm
}

/** An OCI layout, or what `docker load` takes; as a tar or as a folder. `dest` '-' is standard output. */
export interface ArchiveOutput {
  readonly type: 'oci' | 'docker'
  readonly dest: string
  readonly tar: boolean
  /** Full names. */
  readonly names: readonly string[]
  readonly form: ImageForm
}

/** The root file system as a folder or as a tar. `dest` '-' is standard output. */
export interface TreeOutput {
  readonly type: 'local' | 'tar'
  readonly dest: string
  /** A folder for each platform (`linux_amd64`); if not given, only where there are several. */
  readonly platformSplit?: boolean
  /** As in ImageForm; all files get this time. */
  readonly epoch?: number | null
}

/** Where a build's result goes. The store has it in any case. */
export type Output = ImageOutput | ArchiveOutput | TreeOutput

/** What every RUN is given beside its own words. */
export interface RunOptions {
  readonly extraHosts: readonly (readonly [host: string, address: string])[]
  /** Bytes of /dev/shm, if not 64 MiB. */
  readonly shmSize?: number
  readonly ulimits: readonly Ulimit[]
  /** Cgroup below the caller's own, if that one is delegated. */
  readonly cgroupParent?: string
}

/** A context that must be fetched: a git repository, what a URL gives (an archive, or a Dockerfile alone), an archive on disk. */
export type RemoteContext =
  | { readonly kind: 'git'; readonly url: string }
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'archive'; readonly file: string }

/** A cache in a repository: records are tags that begin with `tag`. */
export interface RegistryCache {
  readonly kind: 'registry'
  readonly registry: string
  readonly repository: string
  readonly tag: string
}

/** A cache in an OCI layout at an absolute path: records are names that begin with `tag`. */
export interface LayoutCache {
  readonly kind: 'layout'
  readonly folder: string
  readonly tag: string
}

export type CacheLocation = RegistryCache | LayoutCache

/** Where results of steps go, for other builds. */
export interface CacheTarget {
  readonly at: CacheLocation
  /** The steps whose layers the image has, or all. */
  readonly mode: 'min' | 'max'
  readonly packing: Packing
  /** Failing is a warning. */
  readonly ignoreError: boolean
  /** Also what was made without all owners, in single mode. */
  readonly emulated: boolean
  /** Cache mounts of the steps go along, each that has no more than this, in bytes. */
  readonly mountsLimit?: number
}

export interface BuildRequest
  extends Pick<PlanOptions, 'target' | 'buildArgs' | 'labels' | 'env' | 'unsetEnv' | 'unsetLabels' | 'noCache'> {
  /** Absolute path of the context folder; '' with `remote`. */
  readonly context: string
  /**
   * Absolute path of the Dockerfile, which may lie outside the context, or its URL. With `remote` it may be relative, to what is
   * fetched; '' is the default name there.
   */
  readonly dockerfile: string
  /** Where the context comes from, if it is no folder that is there: it is fetched into a temporary one. */
  readonly remote?: RemoteContext
  /** What context and Dockerfile are called, where their paths say nothing: what came on standard input is `-`. */
  readonly shown?: { readonly context?: string; readonly dockerfile?: string }
  /**
   * Named contexts: an absolute path, a URL, a git URL, `docker-image://REFERENCE`, `oci-layout://PATH[:TAG|@DIGEST]` with an
   * absolute path, `target:STAGE`.
   */
  readonly contexts?: Readonly<Record<string, string>>
  /** The ignore file (absolute), in the place of the context's own; `false`: there is none. */
  readonly ignoreFile?: string | false
  /** The host's if empty; several make an index. */
  readonly platforms: readonly Platform[]
  /** Full names for the result. */
  readonly tags: readonly string[]
  /** Stages, by name or number, whose steps all run. */
  readonly noCacheStages?: readonly string[]
  /** When a RUN fails: a shell in its root, on the standard streams (with which the trees must have been made). */
  readonly onError?: 'shell'
  /** False: registries are not asked before the build whether it may push. */
  readonly preflight?: boolean
  /** Say why each step was or was not cached. */
  readonly explain?: boolean
  /** Asked for results of steps that are not here, in this order. */
  readonly cacheFrom?: readonly CacheLocation[]
  readonly cacheTo?: readonly CacheTarget[]
  /** The image tells in its config which steps its layers are of. */
  readonly inlineCache?: boolean
  readonly pull: 'missing' | 'always' | 'never'
  readonly network: 'host' | 'none'
  /** For RUN --mount=type=secret and type=ssh; of one id the last counts. */
  readonly secrets?: readonly SecretSource[]
  readonly ssh?: readonly SshSource[]
  /** Hosts and limits of RUN. */
  readonly run?: RunOptions
  readonly outputs: readonly Output[]
  /** Of the image in the store, if no output says what that shall be; outputs have their own. */
  readonly annotations: readonly Annotation[]
  /** All layers above the base become one. */
  readonly squash: boolean
  /** What a RUN changes below a VOLUME is dropped. */
  readonly compatVolumes?: boolean
}

export interface BuildResult {
  /** Image id: digest of the config; of several platforms, that of the index. */
  readonly id: Digest
  /** The manifest or index in the store. */
  readonly manifest: Descriptor
  readonly tags: readonly string[]
  /** What the last image output (or the store, if there is none) says of the image. */
  readonly metadata: ImageMetadata
}

/** Facts of an image that left, as `--metadata-file` tells them. */
export interface ImageMetadata {
  /** Of the manifest or the index, as it is where it went. */
  readonly descriptor: Descriptor
  /** Absent for several platforms. */
  readonly config?: Digest
  /** Full names. */
  readonly names: readonly string[]
}
