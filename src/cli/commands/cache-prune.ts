/** `wherry cache prune`: cached steps, downloads, snapshots and cache mounts go; images stay. */
import { defineCommand } from '../command.ts'
import { pruneOptions, prunePolicy } from '../prune-policy.ts'
import { agreed, pruneCache } from '../pruning.ts'
import { openStoreFor } from '../store.ts'

export const command = defineCommand({
  usage: '[OPTIONS]',
  arguments: [0, 0],
  options: pruneOptions,
  unsupported: ['--reserved-space', '--min-free-space'],
  examples: [['wherry cache prune -f --keep-storage 10g', 'Until what is left takes 10 GiB']],
  run: async ({ options }, io) => {
    const policy = prunePolicy(options, Date.now())
    const store = await openStoreFor(options, io)
    const what = options.all ? 'the whole build cache' : 'unused build cache'
    if (!policy.dryRun && !options.force && !(await agreed(what, io))) return 1
    await pruneCache(store, policy, io)
    return 0
  },
})
