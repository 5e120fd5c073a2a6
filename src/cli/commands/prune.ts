/** `wherry prune`: dangling images go, then everything on disk that nothing refers to. */
import { defineCommand } from '../command.ts'
import { printLine } from '../io.ts'
import { pruneOptions, prunePolicy } from '../prune-policy.ts'
import { agreed, pruneCache } from '../pruning.ts'
import { openStoreFor } from '../store.ts'

export const command = defineCommand({
  usage: '[OPTIONS]',
  arguments: [0, 0],
  options: pruneOptions,
  unsupported: ['--volumes', '--reserved-space'],
  examples: [
    ['wherry prune -f', 'Dangling images, and cache that was not used for two weeks'],
    ['wherry prune -f --keep-storage 10g', 'Dangling images, and cache until what is left takes 10 GiB'],
    ['wherry prune -f --filter until=24h', 'What was not used for a day'],
  ],
  run: async ({ options }, io) => {
    const policy = prunePolicy(options, Date.now())
    const store = await openStoreFor(options, io)
    const what = `all images without a name and ${options.all ? 'the whole build cache' : 'unused cache'}`
    if (!policy.dryRun && !options.force && !(await agreed(what, io))) return 1
    const dangling = (await store.images.list()).filter(
      ({ names, storedAt }) => names.length === 0 && Date.parse(storedAt) < policy.imagesBefore,
    )
    for (const { id, manifest } of dangling) {
      if (!policy.dryRun) await store.images.remove(manifest.digest)
      printLine(io, `${policy.dryRun ? 'Would delete' : 'Deleted'}: ${id}`)
    }
    await pruneCache(store, policy, io)
    return 0
  },
})
