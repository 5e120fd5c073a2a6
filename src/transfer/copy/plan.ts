/** What an image or an index is made of, found by reading its documents. */
import type { Digest } from '../../core/digest.ts'
import { WherryError } from '../../core/errors.ts'
import { type Scope, throwIfCancelled } from '../../core/scope.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { type Document, type Manifest, isIndex, parseManifestOrIndex } from '../../oci/image.ts'
import { isForeignLayerType, isIndexType, isManifestType } from '../../oci/media-types.ts'
import type { Platform } from '../../oci/platform.ts'
import { pickManifest } from '../pick-platform.ts'
import type { FoundImage, ImageSource, PlannedCopy } from './contract.ts'

/** Indexes in indexes are followed this deep. */
const maxDepth = 4

/** All documents of one image are held in memory: no more bytes than this. */
const documentBudget = 64 << 20

/**
 * Reads all documents of an image or index; with a platform only those of the image for it, which is then what is copied.
 * @throws WherryError `config-invalid` (nested too deeply, too large), `platform-mismatch`, and the source's errors
 */
export async function planCopy(
  found: FoundImage,
  { platform, scope }: { readonly platform?: Platform; readonly scope: Scope },
): Promise<PlannedCopy> {
  const top = platform === undefined ? found.top : await narrowed(found, platform, scope)
  const walk: Walk = {
    source: found.source,
    scope,
    documents: new Map(),
    manifests: [],
    blobs: new Map(),
    left: documentBudget,
  }
  await visit(walk, top, 0)
  const { documents, manifests, blobs } = walk
  return { ...found, top, plan: { top, documents: [...documents.values()], manifests, blobs: [...blobs.values()] } }
}

/** The manifest for a platform. */
async function narrowed({ source, top }: FoundImage, platform: Platform, scope: Scope): Promise<Document> {
  let document = top
  for (let depth = 0; depth <= maxDepth; depth++) {
    const parsed = parseManifestOrIndex(document.bytes, document.descriptor.mediaType)
    if (!isIndex(parsed)) return document
    document = await source.document(pickManifest(parsed, platform, source.label), scope)
  }
  throw tooDeep(source)
}

interface Walk {
  readonly source: ImageSource
  readonly scope: Scope
  readonly documents: Map<Digest, Document>
  readonly manifests: Manifest[]
  readonly blobs: Map<Digest, Descriptor>
  left: number
}

async function visit(walk: Walk, document: Document, depth: number): Promise<void> {
  throwIfCancelled(walk.scope)
  const { source } = walk
  if (depth > maxDepth) throw tooDeep(source)
  walk.left -= document.bytes.length
  if (walk.left < 0) {
    throw new WherryError('config-invalid', `the manifests of ${source.label} have more than ${documentBudget} bytes`)
  }
  const parsed = parseManifestOrIndex(document.bytes, document.descriptor.mediaType)
  if (!isIndex(parsed)) {
    walk.manifests.push(parsed)
    for (const blob of [parsed.config, ...parsed.layers]) addBlob(walk, blob)
    return
  }
  for (const child of parsed.manifests) {
    if (walk.documents.has(child.digest) || walk.blobs.has(child.digest)) continue
    if (!isManifestType(child.mediaType) && !isIndexType(child.mediaType)) addBlob(walk, child)
    else {
      const next = await source.document(child, walk.scope)
      await visit(walk, next, depth + 1)
      walk.documents.set(child.digest, next)
    }
  }
}

/** Layers that registries do not distribute stay where their manifest says they are. */
function addBlob({ blobs }: Walk, blob: Descriptor): void {
  if (!isForeignLayerType(blob.mediaType)) blobs.set(blob.digest, blob)
}

function tooDeep({ label }: ImageSource): WherryError {
  return new WherryError('config-invalid', `the indexes of ${label} are nested too deeply`)
}
