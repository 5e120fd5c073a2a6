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
    const lease = await store.lease()
    try {
      const { id, manifest } = await store.images.resolve(source)
      await lease.hold(manifest.digest)
      if ((await store.images.list()).some((image) => image.manifest.digest === manifest.digest)) {
        await store.images.tag(manifest.digest, formatReference(reference))
      } else {
        // The image of a step: looked for again now that it is held, in case a collection has taken some of it in between.
        await store.images.resolve(id)
        await store.images.put({ id, manifest, documents: [] }, [formatReference(reference)])
      }
    } finally {
      await lease.release()
    }
    return 0
  },
})
