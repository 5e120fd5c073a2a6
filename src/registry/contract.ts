/** Talking to one registry (or a mirror of it) about one repository at a time. OCI distribution-spec. */
import type { Readable } from 'node:stream'
import type { Scope } from '../core/scope.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Document } from '../oci/image.ts'

/** `docker.io` and `library/debian`. */
export interface Repository {
  readonly registry: string
  readonly repository: string
}

/** The client that transfer/ and build/ use. Errors: `registry`, `auth-failed`, `network`, `digest-mismatch`, `cancelled`; each names registry and repository. */
export interface RegistryClient {
  /** Descriptor of a tag or digest (HEAD, or GET where HEAD does not tell), or undefined if there is none. */
  resolve(repository: Repository, reference: string, scope: Scope): Promise<Descriptor | undefined>
  /** Exact bytes of a manifest or index, digest verified. */
  manifest(repository: Repository, reference: string, scope: Scope): Promise<Document>
  /** A blob's bytes from `start` on, resumed after a cut connection; digest verified when read from 0. */
  blob(repository: Repository, descriptor: Descriptor, scope: Scope, start?: number): Promise<Readable>
  /** Finds out whether one may push, without pushing anything. */
  checkPush(repository: Repository, scope: Scope): Promise<void>
  /**
   * Makes sure that the repository has the blob: HEAD, then cross-repository mount from `mountFrom`, then upload of `open()`,
   * which may be called again for a retry.
   */
  pushBlob(repository: Repository, blob: PushBlob, scope: Scope): Promise<'pushed' | 'exists' | 'mounted'>
  /** Puts exact bytes under a tag or digest; what has a subject is found among its referrers. */
  pushManifest(repository: Repository, reference: string, document: Document, scope: Scope): Promise<void>
  /** Tags of a repository. */
  tags(repository: Repository, scope: Scope): Promise<string[]>
  /** Names of all repositories of a registry that lists them. */
  repositories(registry: string, scope: Scope): Promise<string[]>
  /** Deletes a tag, or a manifest by digest; false for a tag where the registry deletes by digest only. */
  remove(repository: Repository, reference: string, scope: Scope): Promise<boolean>
}

/** A blob to push. */
export interface PushBlob {
  readonly descriptor: Descriptor
  /** Repositories of the same registry that are said to hold it. */
  readonly mountFrom: readonly string[]
  open(): Readable | Promise<Readable>
  /** Called with the bytes sent so far. */
  onProgress?(sent: number): void
  /** Keeps in mind where a large upload continues, for a later process. */
  readonly session?: UploadMemory
}

/** What is remembered of one blob's upload to one repository. */
export interface UploadMemory {
  /** The URL at which an upload continues that an earlier process began; asked for once. */
  take(): Promise<string | undefined>
  /** `undefined`: the upload has ended. */
  keep(url: string | undefined): Promise<void>
}
