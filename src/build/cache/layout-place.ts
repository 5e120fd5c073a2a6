/** A cache in a folder: an OCI image layout that can be carried anywhere, with an entry of index.json for each record. */
import { createReadStream } from 'node:fs'
import { mkdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, digestOf } from '../../core/digest.ts'
import { WherryError } from '../../core/errors.ts'
import { ifStillThere } from '../../core/if-there.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { descriptorJson, isIndex, parseManifestOrIndex } from '../../oci/image.ts'
import { mediaTypes } from '../../oci/media-types.ts'
import { ociLayoutFile } from '../../store/formats.ts'
import { withLock } from '../../store/lock.ts'
import type { TransferDeps } from '../../transfer/deps.ts'
import { manifestOf, readSmall } from '../../transfer/documents.ts'
import { copyBlob, layoutPath, putFile } from '../../transfer/layout-files.ts'
import { outputError } from '../../transfer/output.ts'
import { localPortable } from '../../transfer/portable.ts'
import type { LayoutCache } from '../contract.ts'
import { type CacheWriter, namesOf } from './place.ts'
import { emptyDocument, recordTag } from './record.ts'
import { outgoingLayer } from './registry-place.ts'

const nameKey = 'org.opencontainers.image.ref.name'

/** Opens the cache; nothing is read yet, and a folder that does not exist is an empty cache. */
export function layoutPlace(cache: LayoutCache, deps: TransferDeps): CacheWriter {
  const { folder, tag } = cache
  let read: Promise<ReadonlyMap<string, Descriptor>> | undefined
  const added = new Map<string, Descriptor>()
  const pathOf = (digest: Digest): string => join(folder, layoutPath(digest))
  const isThere = async ({ digest, size }: Descriptor): Promise<boolean> =>
    (await ifStillThere(stat(pathOf(digest))))?.size === size
  const putBlob: CacheWriter['putBlob'] = async ({ descriptor, bytes }) => {
    if (!(await isThere(descriptor))) await putFile(pathOf(descriptor.digest), bytes)
  }
  return {
    ...namesOf(cache),
    find: async (key) => {
      const descriptor = (await (read ??= readNames(folder))).get(recordTag(tag, key))
      if (descriptor === undefined) return undefined
      const document = { descriptor, bytes: await readSmall(createReadStream(pathOf(descriptor.digest)), descriptor) }
      if (digestOf(document.bytes) !== descriptor.digest) throw new WherryError('digest-mismatch', 'it is damaged')
      for (const blob of manifestOf(document).layers) {
        if (!(await isThere(blob)))
          throw new WherryError('digest-mismatch', `its blob ${blob.digest} is not there, or was cut`)
      }
      return document
    },
    images: () => Promise.resolve([]),
    putLayer: async (layer, packing, scope) => {
      const { blob } = await localPortable(layer, outgoingLayer(packing), { deps, scope })
      const isPresent = await isThere(blob)
      if (!isPresent) await copyBlob(deps.store.blobs.pathOf(blob.digest), pathOf(blob.digest)).catch(failed(folder))
      return blob
    },
    putBlob,
    putRecord: async (key, document, scope) => {
      await putBlob(emptyDocument, scope)
      await putBlob(document, scope)
      added.set(recordTag(tag, key), document.descriptor)
    },
    finish: () => addNames(folder, added).catch(failed(folder)),
  }
}

function failed(folder: string): (error: unknown) => never {
  return (error) => {
    throw outputError(error, folder)
  }
}

async function readNames(folder: string): Promise<ReadonlyMap<string, Descriptor>> {
  const text = await ifStillThere(readFile(join(folder, 'index.json')))
  if (text === undefined) return new Map()
  const index = parseManifestOrIndex(text, mediaTypes.ociIndex)
  if (!isIndex(index)) return new Map()
  return new Map(
    index.manifests.flatMap((one) => {
      const name = one.annotations?.[nameKey]
      return name === undefined ? [] : [[name, one] as const]
    }),
  )
}

/** Other builds may be writing into the folder: what they named stays. */
async function addNames(folder: string, added: ReadonlyMap<string, Descriptor>): Promise<void> {
  await mkdir(folder, { recursive: true })
  await withLock(folder, 'index.json', async (lock) => {
    const names = new Map([...(await readNames(folder)), ...added])
    const manifests = [...names].map(([name, { mediaType, digest, size }]) =>
      descriptorJson({ mediaType, digest, size, annotations: { [nameKey]: name } }),
    )
    await putFile(join(folder, 'oci-layout'), Buffer.from(ociLayoutFile))
    lock.assertHeld()
    const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }
    await putFile(join(folder, 'index.json'), Buffer.from(JSON.stringify(index)))
  })
  await rm(join(folder, 'index.json.owner'), { force: true })
}
