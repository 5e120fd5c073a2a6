/** `wherry rmi`: takes names off images, and removes those that have none left. */
import { type Digest, hexOf } from '../../core/digest.ts'
import { WherryError } from '../../core/errors.ts'
import { familiarReference, formatReference, parseReference } from '../../oci/reference.ts'
import type { Store, StoredImage } from '../../store/contract.ts'
import { defineCommand } from '../command.ts'
import { eachOf } from '../each.ts'
import { removeImage, removeSteps } from '../image-removal.ts'
import { imageUses } from '../image-uses.ts'
import { printLine } from '../io.ts'
import { openStoreFor } from '../store.ts'

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE...',
  arguments: [1, Infinity],
  options: {
    force: {
      kind: 'boolean',
      short: 'f',
      help: 'Also by an id an image with several names, and one that a container uses',
    },
    'no-prune': { kind: 'boolean', help: 'Leave the images of the steps that it was built in' },
  },
  unsupported: ['--platform'],
  examples: [
    ['wherry rmi me/app:old', 'The disk space is freed by `wherry prune`'],
    [
      'wherry rmi $(wherry images -q)',
      'All images; one that is listed under each of its names is removed with all of them',
    ],
  ],
  run: async ({ options, args }, io) => {
    const store = await openStoreFor(options, io)
    const gone: Digest[] = []
    return eachOf(args, io, async (query) => {
      const image = await resolveUnlessGone(store, query, gone)
      if (image === undefined) return
      const times = args.filter((arg) => arg === query).length
      const meant = referencesMeant(image, query, options.force ? Infinity : times)
      if (!options.force) await refuseUsed(store, image, meant)
      const { lines, isGone } = await removeImage(store, image, meant)
      for (const line of lines) printLine(io, line)
      if (!isGone) return
      gone.push(image.id)
      if (!options['no-prune']) for (const id of await removeSteps(store, image.id)) printLine(io, `Deleted: ${id}`)
    })
  },
})

/** An image that would be gone must be no container's. @throws WherryError `image-in-use` */
async function refuseUsed(store: Store, image: StoredImage, references: readonly string[]): Promise<void> {
  if (![...image.names, ...image.repoDigests].every((reference) => references.includes(reference))) return
  const users = (await imageUses(store, [image])).get(image.manifest.digest)
  if (users === undefined) return
  const names = users.join(', ')
  throw new WherryError('image-in-use', `the image ${hexOf(image.id).slice(0, 12)} is used by the container ${names}`, {
    hint: `Remove that first (\`wherry rm ${users[0] ?? ''}\`), or use --force: the container keeps what it needs.`,
  })
}

/** The image; undefined if this command has removed it already, under another of its names. */
async function resolveUnlessGone(
  store: Store,
  query: string,
  gone: readonly Digest[],
): Promise<StoredImage | undefined> {
  try {
    const image = await store.images.resolve(query)
    if ((await store.images.list()).some(({ manifest }) => manifest.digest === image.manifest.digest)) return image
    throw new WherryError('image-in-use', `the image ${query} is that of a step of an image that is there`, {
      hint: 'It goes with that image.',
    })
  } catch (error) {
    if (gone.some((id) => id.startsWith(query) || hexOf(id).startsWith(query))) return undefined
    throw error
  }
}

/**
 * The names and digest references that `query` means to take off: one name, one digest, or by an id all, if that is said as often
 * as there are names.
 */
function referencesMeant(image: StoredImage, query: string, times: number): readonly string[] {
  const named = fullName(query)
  if (named !== undefined && image.repoDigests.includes(named)) return [named]
  const name = image.names.find((one) => one === query || one === named)
  const all = [...image.names, ...image.repoDigests]
  if (name === undefined) {
    if (image.names.length <= Math.max(1, times)) return all
    throw new WherryError('image-in-use', `the image ${query} has ${image.names.length} names`, {
      hint: `Remove them one by one (${image.names.map(shortName).join(', ')}), or all with --force.`,
    })
  }
  // What is known of the digests of a repository goes with the last name there.
  const repository = name.slice(0, name.lastIndexOf(':'))
  const isLast = !image.names.some((one) => one !== name && one.startsWith(`${repository}:`))
  return isLast ? [name, ...image.repoDigests.filter((digest) => digest.startsWith(`${repository}@`))] : [name]
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
