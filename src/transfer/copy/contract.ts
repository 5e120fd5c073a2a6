/** Copying images from place to place as they are: what a place gives, and what is to be moved. */
import type { Readable } from 'node:stream'
import type { Scope } from '../../core/scope.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Document, Manifest } from '../../oci/image.ts'
import type { Repository } from '../../registry/contract.ts'

/** Where an image is read from. Whatever it gives is checked against its descriptor. */
export interface ImageSource {
  /** For messages. */
  readonly label: string
  /** In a registry: where its blobs can be mounted from. */
  readonly repository?: Repository
  /** The exact bytes of a manifest or index below the image's own. @throws WherryError `blob-missing`, `config-invalid`, `registry` */
  document(descriptor: Descriptor, scope: Scope): Promise<Document>
  /** The bytes of any other blob; digest and size are checked at the end. @throws WherryError as `document`, `digest-mismatch` */
  open(descriptor: Descriptor, scope: Scope): Promise<Readable>
}

/** An image, or an index of images, in its place. */
export interface FoundImage {
  readonly source: ImageSource
  /** The manifest or the index. */
  readonly top: Document
  /** Full references; none if the place does not name it. */
  readonly names: readonly string[]
}

/** Everything that makes up an image or an index, each once. */
export interface CopyPlan {
  readonly top: Document
  /** What the top names, and what that names: each after what it names itself. */
  readonly documents: readonly Document[]
  /** The manifests among all of them. */
  readonly manifests: readonly Manifest[]
  /** Configs, layers and other blobs. */
  readonly blobs: readonly Descriptor[]
}

/** An image with all that it is made of. */
export interface PlannedCopy extends FoundImage {
  readonly plan: CopyPlan
}
