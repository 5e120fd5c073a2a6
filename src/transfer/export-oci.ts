/** An image, or an index of images, as an OCI layout, folder or tar. OCI image-spec image-layout.md; names as BuildKit and containerd write them. */
import { join } from 'node:path'
import type { Scope } from '../core/scope.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { descriptorJson } from '../oci/image.ts'
import { mediaTypes } from '../oci/media-types.ts'
import { platformOf } from '../oci/config.ts'
import { formatReference, parseReference } from '../oci/reference.ts'
import { ociLayoutFile } from '../store/formats.ts'
import type { TransferDeps } from './deps.ts'
import { copyBlob, layoutPath, putFile } from './layout-files.ts'
import { type Destination, outputError, writeOutput } from './output.ts'
import { type Outgoing, type PlaceLayers, type Settled, isOutgoingIndex, localPortable, settle } from './portable.ts'
import { logTransfer, transferAll } from './progress.ts'
import { tarOfBlobs } from './tar-of-blobs.ts'

/** What to export where. */
export interface OciExport extends Destination {
  readonly outgoing: Outgoing
  /** Full names. */
  readonly names: readonly string[]
  /** False: a folder, into which the layout is put; it may hold another one's blobs. */
  readonly tar?: boolean
  /** Of what index.json names. */
  readonly annotations?: Readonly<Record<string, string>>
}

/**
 * Writes an image or an index of images as an OCI layout, layers compressed. A tar appears whole; in a folder index.json is written
 * last. Returns what index.json names.
 * @throws WherryError `io`, `usage`, `blob-missing`, the errors of fetching what is not in the store
 */
export async function exportOci(request: OciExport, deps: TransferDeps, scope: Scope): Promise<Settled> {
  return await exportLayout(request, () => [], { deps, scope })
}

/** Files beside the layout's own, made of what the layout holds. */
export type MoreFiles = (settled: Settled) => readonly (readonly [name: string, text: string])[]

/** As `exportOci`, with more files at the layout's top. */
export async function exportLayout(
  request: OciExport,
  more: MoreFiles,
  { deps, scope }: { readonly deps: TransferDeps; readonly scope: Scope },
): Promise<Settled> {
  const { dest, outgoing } = request
  const transfer = { id: `export ${dest}`, kind: 'export', subject: dest } as const
  return await logTransfer(transfer, scope, async () => {
    const place: PlaceLayers = (layers, from) =>
      transferAll(layers, { deps, scope }, (layer, inner) => localPortable(layer, from, { deps, scope: inner }))
    const settled = await settle(outgoing, place)
    const documents = [...settled.configs, ...settled.manifests, settled.top]
    for (const { bytes, descriptor } of documents) await deps.store.blobs.write(bytes, descriptor)
    const blobs = [...settled.layers.map((l) => l.blob), ...documents.map((d) => d.descriptor)]
    const files = [
      ['index.json', indexText(settled, request)],
      ['oci-layout', ociLayoutFile],
      ...more(settled),
    ] as const
    if (request.tar ?? true) {
      const contents = { blobs: blobs.map((b) => b.digest), nameOf: layoutPath, files }
      await writeOutput(tarOfBlobs(contents, deps.store), request, scope)
    } else await writeFolder({ dest, blobs, files }, deps)
    return { outcome: 'done', bytes: blobs.reduce((sum, blob) => sum + blob.size, 0), value: settled }
  })
}

/** index.json with an entry per name, or one without a name. */
function indexText({ top }: Settled, { names, outgoing, annotations }: OciExport): string {
  const platform = isOutgoingIndex(outgoing) ? {} : { platform: platformOf(outgoing.image.config) }
  const named = names.map((name) => ({
    ...annotations,
    'io.containerd.image.name': formatReference(parseReference(name)),
    'org.opencontainers.image.ref.name': parseReference(name).tag ?? 'latest',
  }))
  const entries = named.length === 0 ? [annotations ?? {}] : named
  const manifests = entries.map((a) =>
    descriptorJson({ ...top.descriptor, ...platform, ...(Object.keys(a).length > 0 && { annotations: a }) }),
  )
  return JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests })
}

interface Folder {
  readonly dest: string
  readonly blobs: readonly Descriptor[]
  readonly files: readonly (readonly [name: string, text: string])[]
}

async function writeFolder({ dest, blobs, files }: Folder, { store }: TransferDeps): Promise<void> {
  try {
    for (const { digest } of blobs) await copyBlob(store.blobs.pathOf(digest), join(dest, layoutPath(digest)))
    // index.json, the first of them, comes last: until then the layout is the old one.
    for (const [name, text] of files.toReversed()) await putFile(join(dest, name), Buffer.from(text))
  } catch (error) {
    throw outputError(error, dest)
  }
}
