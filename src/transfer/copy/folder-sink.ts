/** Writing an image into an OCI layout in a folder, beside those that are there. OCI image-spec image-layout.md. */
import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { WherryError } from '../../core/errors.ts'
import { ifStillThere } from '../../core/if-there.ts'
import type { Scope } from '../../core/scope.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { isIndex, parseManifestOrIndex } from '../../oci/image.ts'
import { hexOf } from '../../core/digest.ts'
import { mediaTypes } from '../../oci/media-types.ts'
import { ociLayoutFile } from '../../store/formats.ts'
import { layoutPath, putFile, whileIndexIsLocked } from '../layout-files.ts'
import { outputError } from '../output.ts'
import { logTransfer, transferAll } from '../progress.ts'
import type { PlannedCopy } from './contract.ts'
import { type LayoutEntry, indexEntries, indexText } from './layout-index.ts'
import { filesOfFolder, smallFile } from './layout-source.ts'

const refKey = 'org.opencontainers.image.ref.name'

/**
 * Writes an image; each file appears whole, and index.json last. An entry with the same ref.name is replaced, others stay.
 * @throws WherryError `io`, the source's errors, `config-invalid` if the folder has an index.json that is none
 */
export async function copyToFolder(
  copy: PlannedCopy & Pick<LayoutEntry, 'ref'>,
  folder: string,
  { parallel, scope }: { readonly parallel: number | undefined; readonly scope: Scope },
): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
    await entriesOf(folder)
    await transferAll(copy.plan.blobs, { deps: { parallel }, scope }, (blob, inner) =>
      writeBlob(copy, { blob, folder }, inner),
    )
    for (const { descriptor, bytes } of [...copy.plan.documents, copy.plan.top]) {
      await putFile(join(folder, layoutPath(descriptor.digest)), bytes)
    }
    await putFile(join(folder, 'oci-layout'), Buffer.from(ociLayoutFile))
    const entries = indexEntries(copy)
    await whileIndexIsLocked(folder, async (lock) => {
      const stay = (await entriesOf(folder)).filter((old) => !entries.some((entry) => isSame(old, entry)))
      lock.assertHeld()
      await putFile(join(folder, 'index.json'), Buffer.from(indexText([...stay, ...entries])))
    })
  } catch (error) {
    throw outputError(error, folder)
  }
}

async function entriesOf(folder: string): Promise<readonly Descriptor[]> {
  const bytes = await smallFile(filesOfFolder(folder), 'index.json')
  if (bytes === undefined) return []
  const parsed = parseManifestOrIndex(bytes, mediaTypes.ociIndex)
  if (isIndex(parsed)) return parsed.manifests
  throw new WherryError('config-invalid', `index.json in ${folder} is no index`)
}

/** A name points to one image; an image without a name is there once. */
function isSame(a: Descriptor, b: Descriptor): boolean {
  const [x, y] = [a.annotations?.[refKey], b.annotations?.[refKey]]
  return x === y && (x !== undefined || a.digest === b.digest)
}

async function writeBlob(
  { source }: PlannedCopy,
  { blob, folder }: { readonly blob: Descriptor; readonly folder: string },
  scope: Scope,
): Promise<void> {
  const path = join(folder, layoutPath(blob.digest))
  const { digest, size } = blob
  const transfer = {
    id: `copy ${folder} ${digest}`,
    kind: 'copy',
    subject: hexOf(digest).slice(0, 12),
    total: size,
  } as const
  await logTransfer(transfer, scope, async () => {
    if ((await ifStillThere(stat(path)))?.size === size) return { outcome: 'exists', bytes: 0, value: undefined }
    const temp = `${path}.${randomBytes(6).toString('hex')}.tmp`
    await mkdir(dirname(path), { recursive: true })
    try {
      await pipeline(await source.open(blob, scope), createWriteStream(temp, { flags: 'wx' }), { signal: scope.signal })
      await rename(temp, path)
    } catch (error) {
      await rm(temp, { force: true })
      throw error
    }
    return { outcome: 'done', bytes: size, value: undefined }
  })
}
