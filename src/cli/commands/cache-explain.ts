/** `wherry cache explain`: all that is known of one cached step. */
import { cachedStep } from '../cached-steps.ts'
import { defineCommand } from '../command.ts'
import { printLine } from '../io.ts'
import { openStoreFor } from '../store.ts'

export const command = defineCommand({
  usage: '[OPTIONS] KEY',
  arguments: [1, 1],
  options: {},
  examples: [['wherry cache explain 1f0c9a2b', 'Instruction, layer, and where the layer is, as JSON']],
  run: async ({ options, args }, io) => {
    const store = await openStoreFor(options, io)
    const { key, record, lastUsed, layer, isHere } = await cachedStep(args[0]!, store)
    const { description, ...result } = record
    const forms = await Promise.all(
      (layer?.forms ?? []).map(async ({ mediaType, digest, size }) => ({
        mediaType,
        digest,
        size,
        isHere: (await store.blobs.sizeOf(digest)) === size,
      })),
    )
    const known = { key, instruction: description, ...result, lastUsed: new Date(lastUsed).toISOString() }
    const whole = layer && { size: layer.size, isHere, forms, sources: layer.sources }
    printLine(io, JSON.stringify({ ...known, ...(whole && { layer: whole }) }, null, 2))
    return 0
  },
})
