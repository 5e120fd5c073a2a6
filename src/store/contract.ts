/** What the rest of wherry may ask of the store. One folder on disk, shared by any number of processes; see formats.ts for the layout. */
import type { Readable } from 'node:stream'
import type { Digest } from '../core/digest.ts'
import type { JsonObject } from '../core/json.ts'
import type { Entry } from '../oci/contents.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Document } from '../oci/image.ts'
import type { StepTrail } from '../oci/steps.ts'

/** Opens the bytes of a blob from an offset on. */
export type OpenFrom = (start: number) => Promise<Readable>

/**
 * Content-addressed blobs in an OCI layout.
 * A blob exists only whole, verified and durable: temp file, hash, fsync, rename, fsync of the folder. All writes are idempotent.
 */
export interface BlobStore {
  /** Size in bytes, or undefined if the blob is absent. */
  sizeOf(digest: Digest): Promise<number | undefined>
  /** Where the blob's file is or would be, for synchronous readers and for hard links. Never write there. */
  pathOf(digest: Digest): string
  /** The blob's bytes from `start` on; digest and size are checked at the end when read from 0. @throws blob-missing, digest-mismatch */
  read(digest: Digest, start?: number): Readable
  /** Stores a stream or bytes; `expected` is checked. Returns digest and size. @throws digest-mismatch */
  write(
    source: Readable | Buffer,
    expected?: { readonly digest?: Digest; readonly size?: number },
  ): Promise<{ digest: Digest; size: number }>
  /**
   * Receives a blob that may be cut on its way: what has come stays, and the next call for it, of whatever process, goes on from
   * there. Returns how many bytes were here before; all of them if the blob is present. @throws digest-mismatch
   */
  receive(blob: { readonly digest: Digest; readonly size: number }, openFrom: OpenFrom): Promise<number>
  /** The file that a blob's bytes gather in while it is received: it grows, and becomes the one at `pathOf` when it is verified. */
  arrivalPathOf(digest: Digest): string
  /** Publishes a temp file (made in `Store.tempPath`) whose digest and size its maker computed while writing it. The file is fsynced and moved. */
  adopt(tempPath: string, blob: { readonly digest: Digest; readonly size: number }): Promise<void>
  /** Deletes a blob; absent is fine. */
  remove(digest: Digest): Promise<void>
}

/** What the store knows of a layer, by diffID. */
export interface LayerRecord {
  readonly diffId: Digest
  /** Size of the uncompressed tar in bytes, if known. */
  readonly size?: number
  /** Every compressed (or plain) form that was seen, each reused on push. Their blobs need not be present. */
  readonly forms: readonly Descriptor[]
  /** Registries that were seen to hold a form: `registry/repository`, for lazy fetching and cross-repository mounts. */
  readonly sources: readonly { readonly repository: string; readonly digest: Digest }[]
  /** The gzipped contents list as a blob, if a source has it. */
  readonly contents?: Descriptor
  /** Fidelity: `emulated` if made in a mode that could not keep every owner. */
  readonly fidelity: 'exact' | 'emulated'
}

/** Facts about layers that are not in the image formats. */
export interface LayerIndex {
  /** The record of a layer, or undefined. */
  get(diffId: Digest): Promise<LayerRecord | undefined>
  /** Merges facts into the record: forms and sources are united, size set, `emulated` stays unless `exact` is given. */
  note(record: Partial<LayerRecord> & { readonly diffId: Digest }): Promise<void>
  /** Forgets forms and sources, as if the layer had never been seen; its contents list stays. Absent is fine. */
  forget(diffId: Digest): Promise<void>
  /** The contents list of a layer, or undefined if it was never read. */
  contents(diffId: Digest): Promise<readonly Entry[] | undefined>
  /** Where a layer's contents list is or would be, for trees/. */
  contentsPathOf(diffId: Digest): string
  /** Publishes the contents list that lies in a temp file in the form of contents-codec.ts. */
  adoptContents(diffId: Digest, tempPath: string): Promise<void>
}

/** An image in the store. */
export interface StoredImage {
  /** Config digest; of an index of several platforms its own. */
  readonly id: Digest
  /** Manifest or index descriptor; its bytes, and those of the manifests that an index names, are blobs. */
  readonly manifest: Descriptor
  /** Full references (`docker.io/library/x:latest`) that point to it; none for a dangling image. */
  readonly names: readonly string[]
  /** `registry/repository@sha256:…` under which it was pulled or pushed. */
  readonly repoDigests: readonly string[]
  /** When it came into this store, ISO 8601. */
  readonly storedAt: string
  /** True if it came with this manifest, from an archive for instance, and leaves the store with it. */
  readonly isExact?: boolean
}

/** Images and their names, kept in the OCI layout's index.json. */
export interface ImageStore {
  list(): Promise<StoredImage[]>
  /** Stores documents (config, manifest, index) and makes `names` point to the manifest, away from what they named before. */
  put(
    image: Pick<StoredImage, 'id' | 'manifest' | 'isExact'> & { readonly documents: readonly Document[] },
    names: readonly string[],
  ): Promise<void>
  /**
   * Finds by full or familiar name, `name@digest`, id, id prefix (>= 2 hex digits; ambiguous is an error) or manifest digest; then
   * the image of a step of a build by its id or six digits of it, whose documents are written, but which is in no list.
   * @throws image-not-found
   */
  resolve(query: string): Promise<StoredImage>
  /** Adds a name to an image, away from whichever had it. */
  tag(manifest: Digest, name: string): Promise<void>
  /** Removes one name; the image stays, dangling. */
  untag(name: string): Promise<void>
  /**
   * Forgets an image and all its names; with `only`, these names and digest references, and the image if none is left then: one
   * that another process gave it in the meantime keeps it. Blobs go at the next garbage collection.
   * @returns true if the image is gone
   */
  remove(manifest: Digest, only?: readonly string[]): Promise<boolean>
  /** Records that the manifest is known to a registry under this digest reference. */
  noteRepoDigest(manifest: Digest, repoDigest: string): Promise<void>
}

/** The recorded result of a step. */
export interface StepRecord {
  /** The layer made; undefined for a step that changed nothing and makes no layer. */
  readonly diffId?: Digest
  /** The stack that it was made over, as a key part; unknown in old records. */
  readonly over?: Digest
  readonly fidelity: 'exact' | 'emulated'
  /** One line for people: the instruction. */
  readonly description: string
  readonly createdAt: string
}

/** Results by step key (definition key or content key). A record that cannot be read is a miss. */
export interface StepCache {
  get(key: Digest): Promise<StepRecord | undefined>
  put(key: Digest, record: StepRecord): Promise<void>
}

/** A step record as it lies in the store. */
export interface StoredStep {
  readonly key: Digest
  readonly record: StepRecord
  /** Milliseconds since 1970, within the hour. */
  readonly lastUsed: number
}

/** What a collection takes of records of steps and downloads, and of what only they reach. */
export interface CollectionPolicy {
  /** Only what was last used before this, in milliseconds since 1970; Infinity for everything. */
  readonly usedBefore: number
  /** Of that as much as it takes to have no more than this in blobs, in bytes, what was used longest ago first; all if not given. */
  readonly keepBytes?: number
  readonly dryRun: boolean
}

/**
 * What earlier builds were made of, for `--explain`. Texts are latin1 (paths are bytes), kept compressed; builds are named by a
 * digest of context, Dockerfile, target and platform. What cannot be read is a miss.
 */
export interface BuildNotes {
  note(build: Digest): Promise<string | undefined>
  putNote(build: Digest, text: string): Promise<void>
  /** The files of a selection. */
  list(selection: Digest): Promise<string | undefined>
  hasList(selection: Digest): Promise<boolean>
  putList(selection: Digest, text: string): Promise<void>
}

/** What the steps of builds made, by the id of the image that each build came to. A record that cannot be read is none. */
export interface TrailStore {
  get(id: Digest): Promise<StepTrail | undefined>
  /** Keeps a trail; one that is kept already is taken as used. */
  put(trail: StepTrail): Promise<void>
  list(): Promise<readonly StepTrail[]>
  /** Forgets one; absent is fine. */
  remove(id: Digest): Promise<void>
}

/** What the last builds told of themselves, for reports: texts by id, which begins with the time. What cannot be read is a miss. */
export interface BuildRecords {
  /** Ids, the youngest first. */
  list(): Promise<readonly string[]>
  get(id: string): Promise<string | undefined>
  /** Keeps a text and drops the oldest ones above a fixed number. Returns its id. */
  put(startedAt: Date, text: string): Promise<string>
}

/** What a URL gave. */
export interface DownloadRecord {
  /** Of the blob; it need not be present any more. */
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
  /** Headers of the answer, as they came: ETag, Last-Modified, Date. */
  readonly etag?: string
  readonly lastModified?: string
  readonly date?: string
}

/** The last download of each URL. A record that cannot be read is a miss. */
export interface DownloadCache {
  get(url: string): Promise<DownloadRecord | undefined>
  put(url: string, record: DownloadRecord): Promise<void>
}

/** Where uploads stand, so that a later process can go on with those of one that is gone. Uploads are named as their makers like. */
export interface UploadNotes {
  /** The URL at which an upload continues whose process is gone; nobody else gets it then. */
  take(upload: string): Promise<string | undefined>
  put(upload: string, url: string): Promise<void>
  /** Absent is fine. */
  drop(upload: string): Promise<void>
}

/** Protects what a running process uses from garbage collection; ends with the process or its `release`. */
export interface Lease {
  /** Adds digests (blobs, diffIDs, manifests) and snapshots' chainIDs. */
  hold(...digests: readonly Digest[]): Promise<void>
  release(): Promise<void>
}

/** A manifest of a list that is being put together. */
export interface DraftMember {
  /** As it was added, in full. */
  readonly name: string
  /** Where it is: `registry/repository`. */
  readonly repository: string
  /** With its platform. */
  readonly descriptor: Descriptor
}

/** A manifest list that is being put together. */
export interface ManifestDraft {
  /** Full reference that it will be pushed to. */
  readonly name: string
  readonly members: readonly DraftMember[]
}

/** Manifest lists on their way to a registry. They name manifests there, and nothing in this store. */
export interface ManifestDrafts {
  /** @throws store-corrupt, json-invalid */
  get(name: string): Promise<ManifestDraft | undefined>
  put(draft: ManifestDraft): Promise<void>
  /** Absent is fine. */
  remove(name: string): Promise<void>
}

/** What a collection freed or would free. */
export interface CollectionReport {
  readonly blobs: number
  readonly steps: number
  readonly snapshots: readonly { readonly driver: string; readonly chainId: Digest }[]
  readonly bytes: number
}

/** A folder of this machine or a volume, mounted into a container. */
export interface ContainerMount {
  readonly kind: 'bind' | 'volume'
  /** Of a bind an absolute path, of a volume its name. */
  readonly source: string
  readonly target: string
  readonly readOnly: boolean
  /** A volume that nobody has named: `rm -v` removes it. */
  readonly anonymous?: boolean
}

/** A working container. Its tree lies beside the record and is made when it is first needed. */
export interface ContainerRecord {
  /** 64 hexadecimal digits. */
  readonly id: string
  readonly name: string
  /** `<driver>-<map>`: the kind of trees that its tree is one of. */
  readonly place: string
  /** Config digest of its image, the manifest in this store, and what the image was called. */
  readonly image: Digest
  readonly manifest: Digest
  readonly imageName: string
  /** The image's layers, lowest first. */
  readonly layers: readonly { readonly diffId: Digest; readonly blob: Descriptor }[]
  /** The image's config as the container has changed it: raw JSON, `rootfs` and `history` still the image's. */
  readonly config: JsonObject
  /** What a commit says beside the config, as `config` was told. */
  readonly commit?: {
    readonly author?: string
    readonly comment?: string
    readonly createdBy?: string
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly hostname: string
  readonly mounts: readonly ContainerMount[]
  readonly network: 'host' | 'none'
  /** ISO 8601, as all times here. */
  readonly createdAt: string
  readonly startedAt?: string
  readonly exit?: { readonly code: number; readonly at: string }
  /** It goes when its program ends. */
  readonly autoRemove: boolean
}

/** Who has a container at the moment: `run` runs its program, `work` does anything else with its tree. */
export interface HoldState {
  readonly kind: 'run' | 'work'
  readonly pid: number
  readonly since: string
}

/** A container that no other process may work on; it ends with the process or its `release`. */
export interface ContainerHold {
  release(this: void): Promise<void>
}

/** Records of working containers. What they name is not collected. */
export interface ContainerStore {
  /** Folder of the trees of one driver and id map, made if absent. */
  placeDir(place: string): Promise<string>
  /** The newest first. */
  list(): Promise<readonly ContainerRecord[]>
  /** By name, id or the beginning of an id. @throws WherryError `container-not-found` */
  resolve(query: string): Promise<ContainerRecord>
  /** @throws WherryError `container-in-use` if the name is taken, `usage` if it cannot be one */
  create(record: ContainerRecord): Promise<void>
  /** Replaces a record; one that is gone stays away. */
  update(record: ContainerRecord): Promise<void>
  /** @throws as `create` */
  rename(record: ContainerRecord, name: string): Promise<void>
  /** Deletes the record. The tree goes by trees/, now or when it is next started. */
  remove(record: ContainerRecord): Promise<void>
  /** Where the process that runs a container takes questions about it. */
  socketPath(record: ContainerRecord): string
  holder(record: ContainerRecord): Promise<HoldState | undefined>
  /** Undefined if another process has it. */
  hold(record: ContainerRecord, kind: HoldState['kind']): Promise<ContainerHold | undefined>
}

/** Everything wherry keeps on disk. */
export interface Store {
  readonly root: string
  readonly blobs: BlobStore
  readonly layers: LayerIndex
  readonly images: ImageStore
  readonly steps: StepCache
  /** Every step record, in no order. */
  listSteps(): Promise<readonly StoredStep[]>
  readonly containers: ContainerStore
  readonly notes: BuildNotes
  readonly trails: TrailStore
  readonly builds: BuildRecords
  readonly downloads: DownloadCache
  readonly drafts: ManifestDrafts
  readonly uploads: UploadNotes
  /** A fresh private path below `tmp/`, named so that a later process can tell whether its owner still lives. */
  tempPath(label: string): string
  /** Folder of the snapshots of one driver and id map, made if absent. Only trees/ writes below it. */
  snapshotsDir(driverAndMap: string): Promise<string>
  /** Folder of the cache mounts of one id map, made if absent. Only trees/ writes below it. */
  mountsDir(map: string): Promise<string>
  /** Folder of stat caches. */
  readonly contextDir: string
  lease(): Promise<Lease>
  /** Removes temp files, leases and mount points whose owners are dead. Cheap; run at the start of every build. */
  sweep(): Promise<void>
  /**
   * Deletes blobs, step and download records and layer facts that no image, record in use or lease reaches; and, without a budget
   * of bytes, what came of blobs that nobody receives any more.
   * Snapshots are only listed: their files have other owners and are removed by trees/.
   */
  collect(policy: CollectionPolicy): Promise<CollectionReport>
}
