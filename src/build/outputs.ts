/** Where a build's result goes: the store and registries, archives of images, root file systems as folder or tar. */
import type { Scope } from '../core/scope.ts'
import { type Settled, isOutgoingIndex } from '../transfer/portable.ts'
import type { Lease } from '../store/contract.ts'
import type { ArchiveOutput, BuildRequest, BuildResult, ImageMetadata, ImageOutput } from './contract.ts'
import type { Session } from './engine.ts'
import { type Built, type Formed, former, plainFormOf } from './forms.ts'
import { metadataOf, storeImage, storeTrails } from './store-image.ts'

/** What handing out works with. */
export interface Handing {
  readonly request: BuildRequest
  readonly session: Session
  readonly lease: Lease
}

/**
 * Stores what was built and writes every output of the request.
 * @throws WherryError `io`, `registry` and the like, for pushes and for layers that must be fetched first
 */
export async function handOut(built: Built, handing: Handing): Promise<BuildResult> {
  const { request, session } = handing
  const formed = former(built, session)
  const images = request.outputs.filter((output) => output.type === 'image')
  let result: BuildResult | undefined
  for (const output of images.length > 0 ? images : [plainOutput(request)]) {
    result = await handOutImage(await formed(output.form), output, { ...handing, built: built.images })
  }
  let metadata: ImageMetadata | undefined
  for (const output of request.outputs) {
    if (output.type === 'image') continue
    if ('form' in output) {
      const one = await formed(output.form)
      metadata = metadataOf(await writeArchive(one, output, session), one, output.names)
    } else {
      // Loaded here: most builds hand out images only.
      const { writeTree } = await import('./output-tree.ts')
      await writeTree(built, output, session)
    }
  }
  const last = images.length === 0 ? metadata : undefined
  return { ...result!, metadata: last ?? result!.metadata }
}

function plainOutput(request: BuildRequest): ImageOutput {
  return { type: 'image', names: request.tags, push: 'no', digestNames: [], form: plainFormOf(request) }
}

async function handOutImage(
  formed: Formed,
  output: ImageOutput,
  handing: Handing & { readonly built: Built['images'] },
): Promise<BuildResult> {
  const { deps, scope } = handing.session
  const tools: { readonly deps: typeof deps; readonly scope: Scope } = { deps, scope }
  const names = output.push === 'digest' ? [] : output.names
  const { id, settled } = await storeImage(formed, names, { ...tools, lease: handing.lease })
  await storeTrails(formed, handing.built, { settled, deps })
  const { descriptor: manifest } = settled.top
  for (const name of output.digestNames) {
    await deps.store.images.noteRepoDigest(manifest.digest, `${name}@${manifest.digest}`)
  }
  scope.emit({ type: 'image', id, manifest: manifest.digest, tags: names })
  let left = settled
  if (output.push !== 'no') {
    const { pushOutput } = await import('./push.ts')
    left = (await pushOutput(formed, { output, stored: manifest.digest }, tools)) ?? settled
  }
  return { id, manifest, tags: names, metadata: metadataOf(left, formed, output.names) }
}

async function writeArchive(formed: Formed, output: ArchiveOutput, { deps, scope }: Session): Promise<Settled> {
  const { outgoing, annotations } = formed
  const { names, dest, tar } = output
  const where = { names, dest, tar, annotations, stdout: deps.stdout }
  // Loaded here: most builds write no archive.
  if (output.type === 'docker' && !isOutgoingIndex(outgoing)) {
    const { exportDockerArchive } = await import('../transfer/export-docker.ts')
    return exportDockerArchive({ outgoing, ...where }, deps, scope)
  }
  const { exportOci } = await import('../transfer/export-oci.ts')
  return exportOci({ outgoing, ...where }, deps, scope)
}
