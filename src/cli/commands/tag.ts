/** `wherry tag`: one more name for an image. */
import { formatReference, parseReference } from '../../oci/reference.ts'
import { WherryError } from '../../core/errors.ts'
import { defineCommand } from '../command.ts'
import { openStoreFor } from '../store.ts'

export const command = defineCommand({
  usage: 'IMAGE NAME[:TAG]',
  arguments: [2, 2],
  options: {},
  examples: [['wherry tag 4f5c reg.example.com/me/app:1.2', 'IMAGE is a name, an id, its beginning, or a digest']],
  run: async ({ options, args }, io) => {
    const [source, target] = args as [string, string]
    const reference = parseReference(target)
    if (reference.digest !== undefined) {
      throw new WherryError('usage', `"${target}" is a digest, which cannot be given as a name`)
    }
    const store = await openStoreFor(options, io)
    const image = await store.images.resolve(source)
    await store.images.tag(image.manifest.digest, formatReference(reference))
    return 0
  },
})
