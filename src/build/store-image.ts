/** A built image in the store: its documents, and the names that point to it. */
import type { Scope } from '../core/scope.ts'
import type { Digest } from '../core/digest.ts'
import { historyOf } from '../oci/config.ts'
import { type PlaceLayers, type Settled, isOutgoingIndex, localPortable, settle } from '../transfer/portable.ts'
import { transferAll } from '../transfer/progress.ts'
import type { Lease } from '../store/contract.ts'
import type { ImageMetadata } from './contract.ts'
import type { BuildDeps } from './deps.ts'
import type { BuiltImage, Formed } from './forms.ts'

/** What the store has now. */
export interface Stored {
  readonly id: Digest
  readonly settled: Settled
}

/** Stores an image under names. Layers stay as they are, unless a compression was asked for. */
export async function storeImage(
  { outgoing, annotations }: Formed,
  names: readonly string[],
  { deps, scope, lease }: { readonly deps: BuildDeps; readonly scope: Scope; readonly lease: Lease },
): Promise<Stored> {
  const place: PlaceLayers = async (layers, from) => {
    if (from.packing?.compression === undefined) return layers
    return transferAll(layers, { deps, scope }, (layer, inner) => localPortable(layer, from, { deps, scope: inner }))
  }
  const settled = await settle(outgoing, place)
  const { top, manifests, configs } = settled
  const documents = [...configs, ...manifests, top]
  await lease.hold(...documents.map((d) => d.descriptor.digest))
  const id = isOutgoingIndex(outgoing) ? top.descriptor.digest : configs[0]!.descriptor.digest
  const own = Object.keys(annotations).length === 0 ? {} : { annotations }
  await deps.store.images.put({ id, manifest: { ...top.descriptor, ...own }, documents }, names)
  return { id, settled }
}

/** Keeps what the images of an image's steps can be made from. */
export async function storeTrails(
  { outgoing }: Formed,
  built: readonly BuiltImage[],
  { settled, deps }: { readonly settled: Settled; readonly deps: BuildDeps },
): Promise<void> {
  const images = isOutgoingIndex(outgoing) ? outgoing.members : [outgoing]
  for (const [i, { image }] of images.entries()) {
    const { base, runtimes } = built[i]!
    const config = settled.configs[i]!
    if (runtimes === undefined || historyOf(image.config).length !== base.history + runtimes.length) continue
    const { digest: id } = config.descriptor
    await deps.store.trails.put({ id, config: image.config, layers: image.layers, from: base.history, runtimes })
  }
}

/** What `--metadata-file` tells of something that left. */
export function metadataOf(
  { top, configs, manifests }: Settled,
  { outgoing, annotations }: Formed,
  names: readonly string[],
): ImageMetadata {
  const one = !isOutgoingIndex(outgoing)
  const own = Object.keys(annotations).length === 0 ? {} : { annotations }
  return {
    descriptor: { ...top.descriptor, ...own },
    ...(one && manifests.length === 0 ? { config: configs[0]!.descriptor.digest } : {}),
    names,
  }
}
