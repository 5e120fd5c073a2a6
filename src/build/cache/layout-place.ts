/** A cache in a folder: an OCI image layout that can be carried anywhere, with an entry of index.json for each record. */
import { createReadStream } from 'node:fs'
import { stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, digestOf } from '../../core/digest.ts'
import { WherryError } from '../../core/errors.ts'
import { ifStillThere } from '../../core/if-there.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Document } from '../../oci/image.ts'
import type { TransferDeps } from '../../transfer/deps.ts'
import { manifestOf, readSmall } from '../../transfer/documents.ts'
import { copyBlob, layoutPath, putFile } from '../../transfer/layout-files.ts'
import { outputError } from '../../transfer/output.ts'
import { localPortable } from '../../transfer/portable.ts'
import type { LayoutCache } from '../contract.ts'
import { descriptorIn, editEntries, entryOf, readEntries } from './layout-index.ts'
import { type CacheWriter, namesOf } from './place.ts'
import { emptyDocument, isOfOneRecord, recordTag } from './record.ts'
import { outgoingLayer } from './registry-place.ts'

/** How exactly the last use of a record is noted, in milliseconds. */
const useGrainMs = 3600 * 1000

/** Opens the cache; nothing is read yet, and a folder that does not exist is an empty cache. */
export function layoutPlace(cache: LayoutCache, deps: TransferDeps): CacheWriter {
  const { folder, tag } = cache
  let read: Promise<ReadonlyMap<string, Descriptor>> | undefined
  const added = new Map<string, Document>()
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
      await noteUse(pathOf(descriptor.digest))
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
      added.set(recordTag(tag, key), document)
    },
    finish: () => addNames(folder, added, isThere).catch(failed(folder)),
  }
}

function failed(folder: string): (error: unknown) => never {
  return (error) => {
    throw outputError(error, folder)
  }
}

async function readNames(folder: string): Promise<ReadonlyMap<string, Descriptor>> {
  const entries = await readEntries(folder).catch((cause: unknown) => {
    // Of the whole cache, not of one record.
    throw isOfOneRecord(cause) ? new WherryError('io', `${folder}/index.json is damaged`, { cause }) : cause
  })
  return new Map(
    entries.flatMap((entry) => {
      const descriptor = descriptorIn(entry)
      return entry.name === undefined || descriptor === undefined ? [] : [[entry.name, descriptor] as const]
    }),
  )
}

/** Other builds may be writing into the folder: what they named stays. What was deleted meanwhile is not named. */
async function addNames(
  folder: string,
  added: ReadonlyMap<string, Document>,
  isThere: (blob: Descriptor) => Promise<boolean>,
): Promise<void> {
  await editEntries(folder, async (read) => {
    const entries = await read().catch((error: unknown) => {
      if (!isOfOneRecord(error)) throw error
      return [] // Damaged: it names nothing that anybody can find.
    })
    const whole = new Map<string, Document>()
    for (const [name, document] of added) {
      const blobs = [document.descriptor, emptyDocument.descriptor, ...manifestOf(document).layers]
      if ((await Promise.all(blobs.map(isThere))).every(Boolean)) whole.set(name, document)
    }
    const others = entries.filter(({ name }) => name === undefined || !whole.has(name))
    return [...others, ...[...whole].map(([name, { descriptor }]) => entryOf(name, descriptor))]
  })
}

/** A record's file was last changed when the record was last used, within the hour. In a folder that may not be written it was not. */
async function noteUse(path: string): Promise<void> {
  const { mtimeMs } = await stat(path)
  const now = new Date()
  if (now.getTime() - mtimeMs > useGrainMs) await utimes(path, now, now).catch(() => undefined)
}
