/** `wherry prune`: images that nobody needs go, then everything on disk that nothing refers to. */
import { WherryError } from '../../core/errors.ts'
import { mapLimit } from '../../core/schedule.ts'
import type { Store, StoredImage } from '../../store/contract.ts'
import { defineCommand } from '../command.ts'
import { createdMs, readImageFacts } from '../image-facts.ts'
import { type ImageFilter, hasLabel } from '../image-filters.ts'
import { removeImage, removeSteps } from '../image-removal.ts'
import { imageUses } from '../image-uses.ts'
import { type Io, printLine } from '../io.ts'
import { type PrunePolicy, imagePruneOptions, prunePolicy } from '../prune-policy.ts'
import { agreed, pruneCache } from '../pruning.ts'
import { openStoreFor } from '../store.ts'

export const command = defineCommand({
  usage: '[OPTIONS]',
  arguments: [0, 0],
  options: imagePruneOptions,
  unsupported: ['--volumes', '--reserved-space'],
  examples: [
    ['wherry prune -f', 'Dangling images, and cache that was not used for two weeks'],
    ['wherry prune -af', 'All images that no container uses, and all build cache'],
    ['wherry prune -f --keep-storage 10g', 'Dangling images, and cache until what is left takes 10 GiB'],
    ['wherry prune -f --filter until=24h', 'What was not made or used for a day'],
    ['wherry prune -af --filter label!=keep', 'Images without a label, and no cache'],
  ],
  run: async ({ options }, io) => {
    const { labels, others } = labelFilters(options.filter)
    const asked = prunePolicy({ ...options, filter: others }, Date.now())
    // A label is nothing that cache has: all of it stays.
    const policy = labels === undefined ? asked : { ...asked, usedBefore: 0, mountsUsedBefore: 0, keepBytes: undefined }
    const images = options.all ? 'all images without at least one container' : 'all dangling images'
    const cache = options.all ? 'all build cache' : 'unused build cache'
    const what = labels === undefined ? [images, cache] : [images]
    if (!policy.dryRun && !options.force && !(await agreed(what, io))) return 1
    const store = await openStoreFor(options, io)
    await pruneImages(store, { ...policy, all: options.all, labels }, io)
    await pruneCache(store, policy, io)
    return 0
  },
})

interface ImagePolicy extends PrunePolicy {
  readonly all: boolean
  readonly labels: ImageFilter['image'] | undefined
}

/** Removes images, and tells it as docker does. */
async function pruneImages(store: Store, policy: ImagePolicy, io: Io): Promise<void> {
  const listed = (await store.images.list()).filter((image) => policy.all || image.names.length === 0)
  const used = await imageUses(store, listed)
  const unused = listed.filter((image) => !used.has(image.manifest.digest))
  const gone = (
    await mapLimit(unused, 8, async (image) => ((await isMeant(store, image, policy)) ? [image] : []))
  ).flat()
  if (gone.length > 0) printLine(io, policy.dryRun ? 'Images that would be deleted:' : 'Deleted Images:')
  for (const image of gone) for (const line of await removed(store, image, policy.dryRun)) printLine(io, line)
  if (gone.length > 0) printLine(io, '')
}

/** What an image is whose documents are lost is not known: it goes by when it came, and no label chooses it. */
async function isMeant(store: Store, image: StoredImage, { imagesBefore, labels }: ImagePolicy): Promise<boolean> {
  const facts = await readImageFacts(store, image).catch(() => undefined)
  if (facts === undefined) return labels === undefined && Date.parse(image.storedAt) < imagesBefore
  return createdMs(facts) < imagesBefore && (labels?.(facts) ?? true)
}

async function removed(store: Store, image: StoredImage, dryRun: boolean): Promise<string[]> {
  const references = [...image.names, ...image.repoDigests]
  if (dryRun) return [`deleted: ${image.id}`]
  const { lines, isGone } = await removeImage(store, image, references)
  const steps = isGone ? await removeSteps(store, image.id) : []
  const all = [...lines, ...steps.map((id) => `Deleted: ${id}`)]
  return all.map((line) => line.charAt(0).toLowerCase() + line.slice(1))
}

/** `label` and `label!` filters; of several of one kind one must fit. The others come back as they are. */
function labelFilters(filters: readonly string[]): {
  readonly labels: ImageFilter['image'] | undefined
  readonly others: readonly string[]
} {
  const with_ = filters.flatMap((filter) => valueAfter(filter, 'label='))
  const without = filters.flatMap((filter) => valueAfter(filter, 'label!='))
  const others = filters.filter((filter) => !/^label!?=/.test(filter))
  if (with_.length + without.length === 0) return { labels: undefined, others }
  const labels: ImageFilter['image'] = (facts) =>
    (with_.length === 0 || with_.some((label) => hasLabel(label)(facts))) &&
    (without.length === 0 || without.some((label) => !hasLabel(label)(facts)))
  return { labels, others }
}

function valueAfter(filter: string, start: string): string[] {
  if (!filter.startsWith(start)) return []
  if (filter.length > start.length) return [filter.slice(start.length)]
  throw new WherryError('usage', `--filter "${filter}" names no label`, { hint: 'Write label=KEY or label=KEY=VALUE.' })
}
