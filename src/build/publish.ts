/** A sealed layer into the store: tar, contents list and facts, in the order that makes a crash harmless. */
import type { Digest } from '../core/digest.ts'
import { layerTypeOf } from '../oci/media-types.ts'
import type { SealedLayer } from '../layer/contract.ts'
import type { StepResult, Session } from './engine.ts'

/** Temp files of a layer that was just sealed. */
export interface LayerFiles {
  readonly tarPath: string
  readonly contentsPath: string
}

/** Fresh temp paths for a layer. */
export function layerFiles(session: Session): LayerFiles {
  const { store } = session.deps
  return { tarPath: store.tempPath('layer.tar'), contentsPath: store.tempPath('layer.contents') }
}

/** Publishes the files of a sealed layer; the blob first, then what refers to it. */
export async function publishLayer(
  session: Session,
  sealed: SealedLayer,
  { files, fidelity }: { readonly files: LayerFiles; readonly fidelity: StepResult['fidelity'] },
): Promise<StepResult> {
  const { store } = session.deps
  const { diffId, size } = sealed
  await session.hold(diffId)
  await store.blobs.adopt(files.tarPath, { digest: diffId, size })
  await store.layers.adoptContents(diffId, files.contentsPath)
  const form = { mediaType: layerTypeOf('none'), digest: diffId, size }
  await store.layers.note({ diffId, size, forms: [form], fidelity })
  return { diffId, fidelity, createdAt: new Date().toISOString() }
}

/** The fidelity of something made over these layers: `emulated` if one of them is. */
export async function inheritedFidelity(session: Session, diffIds: readonly Digest[]): Promise<StepResult['fidelity']> {
  const records = await Promise.all(diffIds.map((diffId) => session.deps.store.layers.get(diffId)))
  return records.some((record) => record?.fidelity === 'emulated') ? 'emulated' : 'exact'
}
