/** What must stay: everything that can be reached from images, leases and step records. */
import { type Digest, isDigest } from '../core/digest.ts'
import { WherryError, errnoOf } from '../core/errors.ts'
import { isJsonObject, stringArray } from '../core/json.ts'
import { chainIdOf } from '../oci/image.ts'
import type { BlobStore, LayerIndex } from './contract.ts'

/** Larger blobs are layers, not manifests or configs, in bytes. */
const documentLimit = 4 << 20

/** Follows digests of any kind (blob, manifest, config, diffID, chainID). Documents never change, so each is read once. */
export interface Marker {
  /** Every digest that was reached. */
  readonly reached: ReadonlySet<Digest>
  reach(digest: Digest): Promise<void>
}

/** A marker with nothing reached yet. */
export function createMarker(blobs: BlobStore, layers: LayerIndex): Marker {
  const reached = new Set<Digest>()
  const reach = async (digest: Digest): Promise<void> => {
    if (reached.has(digest)) return
    reached.add(digest)
    const record = await layers.get(digest)
    const linked = record ? record.forms.map((f) => f.digest) : digestsIn(await readDocument(blobs, digest))
    for (const next of linked) await reach(next)
  }
  return { reached, reach }
}

async function readDocument(blobs: BlobStore, digest: Digest): Promise<unknown> {
  try {
    const size = await blobs.sizeOf(digest)
    if (size === undefined || size > documentLimit) return undefined
    const stream = blobs.read(digest)
    const chunks: Buffer[] = []
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      // Layers are no JSON: the first byte tells.
      if (chunks.length === 0 && chunk[0] !== 0x7b) return undefined
      chunks.push(chunk)
    }
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch (error) {
    // Damaged or no document: it leads nowhere.
    if (error instanceof SyntaxError || error instanceof WherryError || errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Digests that a manifest, an index or a config names, with the chainIDs of a config's layers. */
export function digestsIn(document: unknown): Digest[] {
  if (!isJsonObject(document)) return []
  const { manifests, layers, config, subject, rootfs } = document
  const descriptors: readonly unknown[] = [
    ...(Array.isArray(manifests) ? (manifests as readonly unknown[]) : []),
    ...(Array.isArray(layers) ? (layers as readonly unknown[]) : []),
    config,
    subject,
  ]
  const named = descriptors.flatMap((d) => (isJsonObject(d) && typeof d['digest'] === 'string' ? [d['digest']] : []))
  const diffIds = (isJsonObject(rootfs) ? (stringArray(rootfs['diff_ids']) ?? []) : []).filter(isDigest)
  const chains = diffIds.map((_, i) => chainIdOf(diffIds.slice(0, i + 1))).filter((c) => c !== undefined)
  return [...named.filter(isDigest), ...diffIds, ...chains]
}
