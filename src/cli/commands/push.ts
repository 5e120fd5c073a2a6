/** `wherry push`: an image from the store to a registry. */
import { WherryError } from '../../core/errors.ts'
import { type Reference, familiarRepository, formatReference, parseReference } from '../../oci/reference.ts'
import type { Store } from '../../store/contract.ts'
import type { TransferDeps } from '../../transfer/deps.ts'
import { loadOutgoing } from '../../transfer/documents.ts'
import { pushImage } from '../../transfer/push.ts'
import { defineCommand } from '../command.ts'
import { contentTrustOptions, refuseContentTrust } from '../content-trust.ts'
import { type Io, printLine } from '../io.ts'
import { registryOptions } from '../registry-options.ts'
import { beginWait, transferLines } from '../waiting.ts'
import { scopeOf, transferDepsFor } from '../wiring.ts'

export const command = defineCommand({
  usage: '[OPTIONS] NAME[:TAG]',
  arguments: [1, 1],
  options: {
    'all-tags': { kind: 'boolean', short: 'a', help: 'Push every tag of the repository that is in the store' },
    quiet: { kind: 'boolean', short: 'q', help: 'Print the name only' },
    ...registryOptions,
    ...contentTrustOptions,
  },
  examples: [['wherry push reg.example.com/me/app:1.2', 'To the registry that the name begins with']],
  run: async ({ options, args }, io) => {
    refuseContentTrust(options, io.env)
    const deps = await transferDepsFor(options, io)
    const references = options['all-tags'] ? await tagsInStore(args[0]!, deps.store) : [parseReference(args[0]!)]
    const { registry, repository } = references[0]!
    if (!options.quiet) printLine(io, `The push refers to repository [${registry}/${repository}]`)
    for (const reference of references) await pushOne(reference, options.quiet, { deps, io })
    return 0
  },
})

/** Every name of the store in the repository that `name` names. */
async function tagsInStore(name: string, store: Store): Promise<Reference[]> {
  const wanted = parseReference(name)
  if (/:[^/]*$/.test(name.replace(/^[^/]*:\d+\//, '')) || wanted.digest !== undefined) {
    throw new WherryError('usage', 'with --all-tags the name has no tag')
  }
  const names = (await store.images.list()).flatMap((image) => image.names).map(parseReference)
  const found = names.filter((n) => n.registry === wanted.registry && n.repository === wanted.repository)
  if (found.length > 0) return found
  throw new WherryError('image-not-found', `no image in the store has a name in ${familiarRepository(wanted)}`)
}

async function pushOne(
  reference: Reference,
  quiet: boolean,
  { deps, io }: { readonly deps: TransferDeps; readonly io: Io },
): Promise<void> {
  const name = formatReference(reference)
  const stored = await deps.store.images.resolve(name)
  const wait = await beginWait({ text: `pushing ${name}`, ...(quiet ? {} : { lineOf: transferLines('push') }) }, io)
  const lease = await deps.store.lease()
  try {
    const outgoing = await loadOutgoing(stored, deps.store)
    const request = { outgoing, reference, stored: stored.manifest.digest }
    const { digest, size } = await pushImage(request, deps, scopeOf(io, wait.event))
    wait.close()
    printLine(io, quiet ? name : `${reference.tag ?? ''}: digest: ${digest} size: ${size}`)
  } finally {
    wait.close()
    await lease.release()
  }
}
