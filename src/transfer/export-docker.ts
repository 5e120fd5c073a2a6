/** An image as a docker-archive, the tar of `docker save`: manifest.json, config and layers, which `docker load` takes. */
import { type Digest, hexOf } from '../core/digest.ts'
import type { Scope } from '../core/scope.ts'
import { configDocument } from '../oci/image.ts'
import { familiarReference, parseReference } from '../oci/reference.ts'
import type { TransferDeps } from './deps.ts'
import { fetchLayers } from './fetch.ts'
import { type Destination, writeOutput } from './output.ts'
import type { OutgoingImage } from './portable.ts'
import { logTransfer } from './progress.ts'
import { tarOfBlobs } from './tar-of-blobs.ts'

/** What to export where. */
export interface DockerExport extends OutgoingImage, Destination {
  /** Full names. */
  readonly names: readonly string[]
}

/**
 * Writes an image as a docker-archive. Layers go as the store has them, plain or compressed: both are read by docker and by
 * containers/image.
 * @throws WherryError `io`, `usage`, `blob-missing`, the errors of fetching what is not in the store
 */
export async function exportDockerArchive(request: DockerExport, deps: TransferDeps, scope: Scope): Promise<void> {
  const { dest, image, names } = request
  await logTransfer({ id: `export ${dest}`, kind: 'export', subject: dest }, scope, async () => {
    const layers = await fetchLayers(image.layers, deps, scope)
    const config = request.documents?.config ?? configDocument(image)
    const nameOf = (digest: Digest): string => `${hexOf(digest)}.tar`
    const configName = `${hexOf(config.descriptor.digest)}.json`
    const manifest = [
      {
        Config: configName,
        RepoTags: names.map((name) => familiarReference(parseReference(name))),
        Layers: layers.map((l) => nameOf(l.digest)),
      },
    ]
    const files = [
      [configName, config.bytes],
      ['manifest.json', JSON.stringify(manifest)],
    ] as const
    await writeOutput(tarOfBlobs({ blobs: layers.map((l) => l.digest), nameOf, files }, deps.store), request, scope)
    return { outcome: 'done', bytes: layers.reduce((sum, l) => sum + l.size, 0), value: undefined }
  })
}
