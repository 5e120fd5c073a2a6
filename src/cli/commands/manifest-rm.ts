/** `wherry manifest rm`: local lists, and nothing in a registry. */
import { asWherryError } from '../../core/errors.ts'
import { defineCommand } from '../command.ts'
import { noteLine } from '../io.ts'
import { draftNamed } from '../manifest-options.ts'
import { openStoreFor } from '../store.ts'

export const command = defineCommand({
  usage: 'LIST...',
  arguments: [1, Infinity],
  options: {},
  examples: [['wherry manifest rm me/app:1', 'What was pushed stays; `wherry delete` removes it']],
  run: async ({ options, args }, io) => {
    const store = await openStoreFor(options, io)
    let code = 0
    for (const name of args) {
      try {
        await store.drafts.remove((await draftNamed(name, store)).name)
      } catch (error) {
        const { message, code: kind } = asWherryError(error)
        noteLine(io, `ERROR: ${message} [${kind}]`)
        code = 1
      }
    }
    return code
  },
})
