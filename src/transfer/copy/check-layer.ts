/** Whether a layer's blob holds what the image's config says. */
import { createHash } from 'node:crypto'
import { decompress } from '../../archive/decompress.ts'
import { sniffCompression } from '../../archive/detect.ts'
import { type Digest, digestFromHex } from '../../core/digest.ts'
import { WherryError } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import type { Layer } from '../../oci/image.ts'
import type { Store } from '../../store/contract.ts'

/**
 * Decompresses a blob of the store and compares it with the diffID. What came in an archive may say anything: noted unchecked, it
 * would stand for a layer of that diffID in images that have nothing to do with it.
 * @throws WherryError `digest-mismatch`, `archive-invalid`, `blob-missing`, `cancelled`
 */
export async function checkLayer(
  { blob, diffId }: Pick<Layer, 'diffId'> & { readonly blob: { readonly digest: Digest } },
  { store, scope }: { readonly store: Pick<Store, 'blobs'>; readonly scope: Scope },
): Promise<void> {
  if (blob.digest === diffId) return
  const { kind, source } = await sniffCompression(store.blobs.read(blob.digest) as AsyncIterable<Buffer>)
  const hash = createHash('sha256')
  for await (const chunk of decompress(source, kind, { signal: scope.signal })) hash.update(chunk)
  if (digestFromHex(hash.digest('hex')) === diffId) return
  throw new WherryError('digest-mismatch', `the layer ${blob.digest} does not hold what its image says (${diffId})`, {
    hint: 'The image is damaged or was tampered with; nothing of it was kept under a name.',
  })
}
