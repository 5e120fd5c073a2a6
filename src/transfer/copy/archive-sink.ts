/** Writing images as a tar in one pass: nothing is kept beside, each blob goes from its place straight into the archive. */
import { Readable } from 'node:stream'
import { encodeTarHeader, tarEnd, tarPadding } from '../../archive/tar-write.ts'
import { type Digest, hexOf } from '../../core/digest.ts'
import { fromText } from '../../core/bytepath.ts'
import { type Scope, throwIfCancelled } from '../../core/scope.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { ociLayoutFile } from '../../store/formats.ts'
import { layoutPath } from '../layout-files.ts'
import { type Destination, writeOutput } from '../output.ts'
import { logTransfer } from '../progress.ts'
import type { PlannedCopy } from './contract.ts'
import { type LayoutEntry, dockerManifestText, indexEntries, indexText } from './layout-index.ts'

/** What to write where. */
export interface ArchiveRequest extends Destination {
  readonly images: readonly (PlannedCopy & Pick<LayoutEntry, 'ref'>)[]
  /** `docker`: with manifest.json, which every `docker load` reads; `oci`: the layout alone. */
  readonly form: 'docker' | 'oci'
}

/**
 * Writes an OCI layout as a tar; a file appears whole. The same images give the same bytes.
 * @throws WherryError `io`, `usage`, the sources' errors, `cancelled`
 */
export async function writeArchive(request: ArchiveRequest, scope: Scope): Promise<void> {
  const { dest, images } = request
  const size = images.flatMap(({ plan }) => plan.blobs).reduce((sum, blob) => sum + blob.size, 0)
  await logTransfer({ id: `export ${dest}`, kind: 'export', subject: dest, total: size }, scope, async ({ at }) => {
    await writeOutput(Readable.from(archiveBytes(request, at, scope), { objectMode: false }), request, scope)
    return { outcome: 'done', bytes: size, value: undefined }
  })
}

async function* archiveBytes(
  { images, form }: ArchiveRequest,
  at: (bytes: number) => void,
  scope: Scope,
): AsyncGenerator<Buffer> {
  yield* file('oci-layout', Buffer.from(ociLayoutFile))
  yield* file('index.json', Buffer.from(indexText(images.flatMap(indexEntries))))
  if (form === 'docker') yield* file('manifest.json', Buffer.from(dockerManifestText(images)))
  for (const path of ['blobs', 'blobs/sha256'])
    yield encodeTarHeader({ ...plain, path, type: 'dir', mode: 0o755, size: 0 })
  let moved = 0
  for (const { descriptor, open } of [...blobsOf(images).values()].sort(byDigest)) {
    throwIfCancelled(scope)
    yield header(layoutPath(descriptor.digest), descriptor.size)
    for await (const chunk of (await open(scope)) as AsyncIterable<Buffer>) {
      yield chunk
      at((moved += chunk.length))
    }
    yield Buffer.alloc(tarPadding(descriptor.size))
  }
  yield tarEnd
}

interface ArchiveBlob {
  readonly descriptor: Descriptor
  open(this: void, scope: Scope): Readable | Promise<Readable>
}

/** All blobs and documents, each once. */
function blobsOf(images: readonly PlannedCopy[]): ReadonlyMap<Digest, ArchiveBlob> {
  const blobs = new Map<Digest, ArchiveBlob>()
  for (const { plan, source } of images) {
    for (const descriptor of plan.blobs) {
      if (blobs.has(descriptor.digest)) continue
      blobs.set(descriptor.digest, { descriptor, open: (scope) => source.open(descriptor, scope) })
    }
    for (const { descriptor, bytes } of [plan.top, ...plan.documents]) {
      const open = (): Readable => Readable.from([bytes], { objectMode: false })
      blobs.set(descriptor.digest, { descriptor: { ...descriptor, size: bytes.length }, open })
    }
  }
  return blobs
}

function byDigest(a: ArchiveBlob, b: ArchiveBlob): number {
  return hexOf(a.descriptor.digest) < hexOf(b.descriptor.digest) ? -1 : 1
}

function* file(name: string, bytes: Buffer): Generator<Buffer> {
  yield header(name, bytes.length)
  yield bytes
  yield Buffer.alloc(tarPadding(bytes.length))
}

/** Headers tell nothing of this machine. */
const plain = { uid: 0, gid: 0, mode: 0o644, mtime: 0n }

function header(name: string, size: number): Buffer {
  return encodeTarHeader({ ...plain, path: fromText(name), type: 'file', size })
}
