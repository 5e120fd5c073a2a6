/** Writes the contents of cache mounts to a cache, each as a layer with a record of its own; the last one written counts. */
import { rm } from 'node:fs/promises'
import type { Digest } from '../../core/digest.ts'
import type { Scope } from '../../core/scope.ts'
import type { SealedLayer } from '../../layer/contract.ts'
import { layerTypeOf } from '../../oci/media-types.ts'
import type { Lease, Store } from '../../store/contract.ts'
import type { SealedMount, Trees } from '../../trees/contract.ts'
import type { CacheTarget } from '../contract.ts'
import { type CacheWriter, knownRecord } from './place.ts'
import { type SharedLayer, mountKey, recordDocument } from './record.ts'
import type { SharedMount } from './shared-mounts.ts'

/** Cache mounts, and what it takes to read them. */
export interface MountSource extends Pick<Lease, 'hold'> {
  readonly mounts: readonly SharedMount[]
  readonly trees: Pick<Trees, 'sealCacheMount' | 'fidelity'>
}

/** What an export works with. */
export interface MountExport {
  readonly target: Omit<CacheTarget, 'at'>
  readonly place: CacheWriter
  readonly store: Store
  readonly source: MountSource
  /** Writes a layer of the store to the place. */
  put(this: void, diffId: Digest): Promise<SharedLayer>
}

/**
 * Exports the cache mounts, if the target wants them. What cannot be read now is left out with a warning.
 * @throws WherryError the place's
 */
export async function exportMounts(request: MountExport, scope: Scope): Promise<void> {
  const { target, source, place } = request
  if (target.mountsLimit === undefined || source.mounts.length === 0) return
  // One after the other: the largest thing here is the disk's work.
  let fresh = 0
  for (const mount of source.mounts) if (await exportMount(mount, target.mountsLimit, { request, scope })) fresh++
  if (isKeptHere(request)) {
    const message = `the cache ${place.label} gets no cache mounts: in single mode they have not every owner (emulated=true exports them)`
    scope.emit({ type: 'warning', message })
  } else scope.emit({ type: 'message', text: `cache ${place.label}: cache mounts written: ${fresh}` })
}

function isKeptHere({ source, target }: MountExport): boolean {
  return source.trees.fidelity === 'emulated' && !target.emulated
}

interface Exporting {
  readonly request: MountExport
  readonly scope: Scope
}

/** True if there was something new. */
async function exportMount(mount: SharedMount, limit: number, { request, scope }: Exporting): Promise<boolean> {
  const { store, source, place } = request
  if (isKeptHere(request)) return false
  const { id, ownId } = mount
  const key = mountKey(mount)
  const known = await knownRecord(key, place, scope)
  // What no step touched is not worth being read again.
  if (known !== undefined && !mount.hasRun) return false
  const files = { tarPath: store.tempPath('mount.tar'), contentsPath: store.tempPath('mount.contents') }
  try {
    const sealed = await source.trees.sealCacheMount({ id: ownId, limit, ...files }, scope)
    if (sealed.kind !== 'sealed') {
      const why = whyNot(sealed, limit)
      if (why !== undefined)
        scope.emit({ type: 'warning', message: `the cache mount ${id} is not exported to ${place.label}: ${why}` })
      return false
    }
    // Known for certain only now: the first call may have been refused the better mode.
    if (isKeptHere(request)) return false
    const { fidelity } = source.trees
    if (known?.diffId === sealed.layer.diffId || (known?.fidelity === 'exact' && fidelity === 'emulated')) return false
    const layer = await putSealed(sealed.layer, files.tarPath, request)
    const { diffId } = sealed.layer
    const description = `contents of the cache mount ${id}`
    const record = { diffId, fidelity, description, createdAt: new Date().toISOString(), layer }
    await place.putRecord(key, recordDocument(key, record), scope)
    return true
  } finally {
    for (const path of Object.values(files)) await rm(path, { force: true })
  }
}

/** The layer is in the store for as long as it is sent: what it holds is in the mount. */
async function putSealed({ diffId, size }: SealedLayer, tarPath: string, request: MountExport): Promise<SharedLayer> {
  const { store, source, put } = request
  const wasKnown = (await store.layers.get(diffId)) !== undefined
  await source.hold(diffId)
  await store.blobs.adopt(tarPath, { digest: diffId, size })
  const form = { mediaType: layerTypeOf('none'), digest: diffId, size }
  await store.layers.note({ diffId, size, forms: [form], fidelity: source.trees.fidelity })
  const layer = await put(diffId)
  if (!wasKnown) {
    await store.layers.forget(diffId)
    for (const digest of new Set([diffId, layer.blob.digest])) await store.blobs.remove(digest)
  }
  return layer
}

function whyNot(sealed: Exclude<SealedMount, { kind: 'sealed' }>, limit: number): string | undefined {
  switch (sealed.kind) {
    case 'absent':
      return undefined
    case 'busy':
      return 'another build has it to itself'
    case 'unreadable':
      return sealed.why
    case 'too-large':
      return `it has ${sealed.bytes} bytes, more than the ${limit} that mounts-limit allows`
  }
}
