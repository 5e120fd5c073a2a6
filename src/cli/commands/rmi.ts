/** `wherry rmi`: takes names off images, and removes those that have none left. */
import { WherryError, asWherryError } from '../../core/errors.ts'
import { familiarReference, formatReference, parseReference } from '../../oci/reference.ts'
import type { Store, StoredImage } from '../../store/contract.ts'
import { defineCommand } from '../command.ts'
import { noteLine, printLine } from '../io.ts'
import { openStoreFor } from '../store.ts'

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE...',
  arguments: [1, Infinity],
  options: {
    force: { kind: 'boolean', short: 'f', help: 'Remove an image by its id though it has several names' },
  },
  examples: [['wherry rmi me/app:old', 'The disk space is freed by `wherry prune`']],
  run: async ({ options, args }, io) => {
    const store = await openStoreFor(options, io)
    let code = 0
    for (const query of args) {
      try {
        for (const line of await removeImage(store, query, options.force)) printLine(io, line)
      } catch (error) {
        // The other images are removed all the same, as docker does.
        const known = asWherryError(error)
        noteLine(
          io,
          `ERROR: ${known.message} [${known.code}]${known.hint === undefined ? '' : `\nhint: ${known.hint}`}`,
        )
        code = 1
      }
    }
    return code
  },
})

/** Removes what `query` means and returns the lines to print. */
async function removeImage(store: Store, query: string, force: boolean): Promise<string[]> {
  const image = await store.images.resolve(query)
  const name = nameMeant(image, query)
  if (name === undefined && image.names.length > 1 && !force) {
    throw new WherryError('image-in-use', `the image ${query} has ${image.names.length} names`, {
      hint: `Remove them one by one (${image.names.map(shortName).join(', ')}), or all with --force.`,
    })
  }
  const names = name === undefined ? image.names : [name]
  for (const each of names) await store.images.untag(each)
  const lines = names.map((each) => `Untagged: ${shortName(each)}`)
  if (image.names.length > names.length) return lines
  await store.images.remove(image.manifest.digest)
  return [...lines, `Deleted: ${image.id}`]
}

/** The name of the image that `query` is; undefined if it is an id or digest. */
function nameMeant(image: StoredImage, query: string): string | undefined {
  if (image.names.includes(query)) return query
  return image.names.find((name) => shortName(name) === query || name === fullName(query))
}

function fullName(query: string): string | undefined {
  try {
    return formatReference(parseReference(query))
  } catch {
    // Not a name: an id such as sha256:…
    return undefined
  }
}

function shortName(name: string): string {
  return familiarReference(parseReference(name))
}
