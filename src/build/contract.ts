/** What a build is asked for and what it gives: plain data, made by cli/ from argv or by a user of the library. */
import type { Digest } from '../core/digest.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Platform } from '../oci/platform.ts'

/** Where a build's result goes beside the store. */
export type Output =
  /** An OCI layout, as a folder or (default) as a tar. */
  | { readonly type: 'oci'; readonly dest: string; readonly tar: boolean }
  /** A docker-archive tar, for `docker load`. */
  | { readonly type: 'docker'; readonly dest: string }
  /** The root file system as a folder. */
  | { readonly type: 'local'; readonly dest: string }
  /** The root file system as a tar. `dest` '-' is standard output. */
  | { readonly type: 'tar'; readonly dest: string }

export interface BuildRequest {
  /** Absolute path of the context folder. */
  readonly context: string
  /** Absolute path of the Dockerfile; it may lie outside the context. */
  readonly dockerfile: string
  readonly target?: string
  readonly buildArgs: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  /** Variables for every stage, as an ENV right after its FROM. */
  readonly env?: Readonly<Record<string, string>>
  /** Variables and labels that the image is not to have. */
  readonly unsetEnv?: readonly string[]
  readonly unsetLabels?: readonly string[]
  /** One for now; the host's if empty. */
  readonly platforms: readonly Platform[]
  /** Full names for the result. */
  readonly tags: readonly string[]
  readonly noCache: boolean
  /** Stages, by name or number, whose steps all run. */
  readonly noCacheStages?: readonly string[]
  readonly pull: 'missing' | 'always' | 'never'
  readonly network: 'host' | 'none'
  readonly outputs: readonly Output[]
  /** Push every tag when the build is done. */
  readonly push: boolean
  /** Seconds since 1970: timestamps of config, history and new layers' entries made by wherry. */
  readonly sourceDateEpoch?: number
}

export interface BuildResult {
  /** Image id: digest of the config. */
  readonly id: Digest
  readonly manifest: Descriptor
  readonly tags: readonly string[]
}
