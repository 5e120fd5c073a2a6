/** `wherry cache prune`: cached steps, downloads, snapshots and cache mounts go; images stay. */
import { resolve } from 'node:path'
import { pruneLayout } from '../../build/cache/layout-prune.ts'
import { humanSize } from '../../ui/human.ts'
import { defineCommand } from '../command.ts'
import { printLine } from '../io.ts'
import { pruneOptions, prunePolicy } from '../prune-policy.ts'
import { agreed, pruneCache } from '../pruning.ts'
import { openStoreFor } from '../store.ts'

export const command = defineCommand({
  usage: '[OPTIONS]',
  arguments: [0, 0],
  options: {
    ...pruneOptions,
    folder: { kind: 'string', value: 'DIR', help: 'Prune this folder of a cache of type=local, not the store' },
  },
  unsupported: ['--reserved-space', '--min-free-space'],
  examples: [
    ['wherry cache prune -f --keep-storage 10g', 'Until what is left takes 10 GiB'],
    ['wherry cache prune -f --keep-storage 2g --folder .cache', 'The same for what --cache-to type=local fills'],
  ],
  run: async ({ options }, io) => {
    const policy = prunePolicy(options, Date.now())
    const { folder } = options
    if (folder !== undefined) {
      if (!policy.dryRun && !options.force && !(await agreed([`what is in the cache ${folder}`], io))) return 1
      const { records, blobs, bytes } = await pruneLayout(resolve(io.cwd, folder), policy)
      printLine(io, `${blobs} blobs, ${records} records`)
      printLine(io, `${policy.dryRun ? 'Reclaimable' : 'Total reclaimed'} space: ${humanSize(bytes)}`)
      return 0
    }
    const store = await openStoreFor(options, io)
    const what = [options.all ? 'all build cache' : 'unused build cache']
    if (!policy.dryRun && !options.force && !(await agreed(what, io))) return 1
    await pruneCache(store, policy, io)
    return 0
  },
})
