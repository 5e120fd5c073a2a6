/** `wherry rename`: another name for a container. */
import { defineCommand } from '../command.ts'
import { openStoreFor } from '../store.ts'

export const command = defineCommand({
  usage: 'CONTAINER NAME',
  arguments: [2, 2],
  options: {},
  examples: [['wherry rename debian-working-container web', 'Also while it runs']],
  run: async ({ options, args: [query = '', name = ''] }, io) => {
    const { containers } = await openStoreFor(options, io)
    await containers.rename(await containers.resolve(query), name)
    return 0
  },
})
