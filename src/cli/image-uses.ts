/** What containers are made of, and how they are. */
import { mapLimit } from '../core/schedule.ts'
import type { Digest } from '../core/digest.ts'
import type { ContainerRecord, Store, StoredImage } from '../store/contract.ts'
import { indexMembers } from '../transfer/documents.ts'
import { type ContainerFacts, stateOf } from './container-rows.ts'

/** Names of containers by the manifest of the image that they are made of. */
export type ImageUses = ReadonlyMap<Digest, readonly string[]>

/** Which of the images containers are made of. */
export async function imageUses(store: Store, images: readonly StoredImage[]): Promise<ImageUses> {
  const records = await store.containers.list()
  if (records.length === 0) return new Map()
  const uses = await mapLimit(images, 8, async (image) => {
    // Documents that are lost name nothing.
    const members = (await indexMembers(image, store).catch(() => undefined)) ?? []
    const manifests = new Set([image.manifest.digest, ...members.map((member) => member.digest)])
    const isOf = (record: ContainerRecord): boolean => record.image === image.id || manifests.has(record.manifest)
    return [image.manifest.digest, records.filter(isOf).map((record) => record.name)] as const
  })
  return new Map(uses.filter(([, names]) => names.length > 0))
}

/** All containers, with who has each. */
export async function containerFacts(store: Store): Promise<ContainerFacts[]> {
  return mapLimit(await store.containers.list(), 8, async (record) => ({
    record,
    holder: await store.containers.holder(record),
  }))
}

/** How many containers there are, and how many run. */
export async function containerCounts(store: Store): Promise<{ readonly all: number; readonly running: number }> {
  const facts = await containerFacts(store)
  return { all: facts.length, running: facts.filter((one) => stateOf(one) === 'running').length }
}
