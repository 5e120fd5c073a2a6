/** `wherry untag`: takes names off images, which stay, without a name if they had one only. */
import { WherryError } from '../../core/errors.ts'
import { familiarReference, formatReference, parseReference } from '../../oci/reference.ts'
import { defineCommand } from '../command.ts'
import { eachOf } from '../each.ts'
import { printLine } from '../io.ts'
import { openStoreFor } from '../store.ts'

export const command = defineCommand({
  usage: 'NAME[:TAG]...',
  arguments: [1, Infinity],
  options: {},
  examples: [['wherry untag me/app:old', '`wherry rmi` also removes the image, if that was its last name']],
  run: async ({ options, args }, io) => {
    const store = await openStoreFor(options, io)
    return eachOf(args, io, async (query) => {
      const reference = parseReference(query)
      if (reference.digest !== undefined) {
        throw new WherryError('usage', `"${query}" is a digest, not a name`, { hint: '`wherry rmi` takes digests.' })
      }
      await store.images.untag(formatReference(reference))
      printLine(io, `Untagged: ${familiarReference(reference)}`)
    })
  },
})
