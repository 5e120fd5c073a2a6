/** An image as an OCI layout, folder or tar. OCI image-spec image-layout.md; names as BuildKit and containerd write them. */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, hexOf } from '../core/digest.ts'
import type { Scope } from '../core/scope.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { configDocument, descriptorJson } from '../oci/image.ts'
import { mediaTypes } from '../oci/media-types.ts'
import { platformOf } from '../oci/config.ts'
import { formatReference, parseReference } from '../oci/reference.ts'
import { ociLayoutFile } from '../store/formats.ts'
import type { TransferDeps } from './deps.ts'
import { type Destination, outputError, writeOutput } from './output.ts'
import { type OutgoingImage, localPortable, manifestFor } from './portable.ts'
import { logTransfer, transferAll } from './progress.ts'
import { tarOfBlobs } from './tar-of-blobs.ts'

/** What to export where. */
export interface OciExport extends OutgoingImage, Destination {
  /** Full names. */
  readonly names: readonly string[]
  /** False: a folder, into which the layout is put; it may hold another one's blobs. */
  readonly tar: boolean
}

/**
 * Writes an image as an OCI layout, layers compressed. A tar appears whole; in a folder index.json is written last.
 * @throws WherryError `io`, `usage`, `blob-missing`, the errors of fetching what is not in the store
 */
export async function exportOci(request: OciExport, deps: TransferDeps, scope: Scope): Promise<void> {
  const { dest } = request
  const transfer = { id: `export ${dest}`, kind: 'export', subject: dest } as const
  await logTransfer(transfer, scope, async () => {
    const { blobs, index } = await prepare(request, deps, scope)
    if (request.tar) {
      const files = [
        ['index.json', index],
        ['oci-layout', ociLayoutFile],
      ] as const
      const nameOf = (digest: Digest): string => `blobs/sha256/${hexOf(digest)}`
      const contents = { blobs: blobs.map((b) => b.digest), nameOf, files }
      await writeOutput(tarOfBlobs(contents, deps.store), request, scope)
    } else await writeFolder({ dest, blobs, index }, deps)
    return { outcome: 'done', bytes: blobs.reduce((sum, blob) => sum + blob.size, 0), value: undefined }
  })
}

/** Brings all blobs of the export into the store. */
async function prepare(
  request: OciExport,
  deps: TransferDeps,
  scope: Scope,
): Promise<{ blobs: readonly Descriptor[]; index: string }> {
  const { image, documents, names } = request
  const layers = await transferAll(image.layers, scope, (layer, inner) => localPortable(layer, deps, inner))
  const config = documents?.config ?? configDocument(image)
  const manifest = manifestFor(request, config, layers)
  for (const { bytes, descriptor } of [config, manifest]) await deps.store.blobs.write(bytes, descriptor)
  const blobs = [...layers.map((l) => l.blob), config.descriptor, manifest.descriptor]
  return { blobs, index: indexText({ ...manifest.descriptor, platform: platformOf(image.config) }, names) }
}

/** index.json with an entry per name, or one without a name. */
function indexText(manifest: Descriptor, names: readonly string[]): string {
  const annotations = names.map((name) => ({
    'io.containerd.image.name': formatReference(parseReference(name)),
    'org.opencontainers.image.ref.name': parseReference(name).tag ?? 'latest',
  }))
  const entries = annotations.length === 0 ? [undefined] : annotations
  const manifests = entries.map((a) => descriptorJson({ ...manifest, ...(a && { annotations: a }) }))
  return JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests })
}

interface Folder {
  readonly dest: string
  readonly blobs: readonly Descriptor[]
  readonly index: string
}

async function writeFolder({ dest, blobs, index }: Folder, { store }: TransferDeps): Promise<void> {
  const folder = join(dest, 'blobs', 'sha256')
  const put = async (path: string, write: (temp: string) => Promise<void>): Promise<void> => {
    const temp = `${path}.${randomBytes(6).toString('hex')}.tmp`
    await write(temp)
    await rename(temp, path)
  }
  try {
    await mkdir(folder, { recursive: true })
    for (const { digest } of blobs) {
      const copy = (temp: string): Promise<void> =>
        copyFile(store.blobs.pathOf(digest), temp, constants.COPYFILE_FICLONE)
      await put(join(folder, hexOf(digest)), copy)
    }
    await put(join(dest, 'oci-layout'), (temp) => writeFile(temp, ociLayoutFile))
    await put(join(dest, 'index.json'), (temp) => writeFile(temp, index))
  } catch (error) {
    throw outputError(error, dest)
  }
}
