/**
 * An image as the tar of `docker save`, which `docker load` takes: manifest.json beside an OCI layout, so that engines of both kinds
 * of image store read it, as BuildKit writes it.
 */
import type { Scope } from '../core/scope.ts'
import { familiarReference, parseReference } from '../oci/reference.ts'
import type { TransferDeps } from './deps.ts'
import { type OciExport, exportLayout } from './export-oci.ts'
import { layoutPath } from './layout-files.ts'
import type { OutgoingImage, Settled } from './portable.ts'

/** What to export where. */
export interface DockerExport extends OciExport {
  readonly outgoing: OutgoingImage
}

/**
 * Writes an image for `docker load`, as a tar or as a folder.
 * @throws WherryError `io`, `usage`, `blob-missing`, the errors of fetching what is not in the store
 */
export async function exportDockerArchive(request: DockerExport, deps: TransferDeps, scope: Scope): Promise<Settled> {
  const manifestJson = ({ configs, layers }: Settled): string =>
    JSON.stringify([
      {
        Config: layoutPath(configs[0]!.descriptor.digest),
        RepoTags: request.names.map((name) => familiarReference(parseReference(name))),
        Layers: layers.map((l) => layoutPath(l.blob.digest)),
      },
    ])
  return await exportLayout(request, (settled) => [['manifest.json', manifestJson(settled)]], { deps, scope })
}
