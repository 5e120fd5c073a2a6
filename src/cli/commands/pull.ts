/** `wherry pull`: an image from a registry into the store. */
import { WherryError } from '../../core/errors.ts'
import { hostPlatform, parsePlatform } from '../../oci/platform.ts'
import {
  type Reference,
  familiarReference,
  familiarRepository,
  formatReference,
  parseReference,
} from '../../oci/reference.ts'
import { pullImage } from '../../transfer/pull.ts'
import { type OptionTable, type OptionValues, defineCommand } from '../command.ts'
import { contentTrustOptions, refuseContentTrust } from '../content-trust.ts'
import { type Io, printLine } from '../io.ts'
import { registryOptions } from '../registry-options.ts'
import { beginWait, registryNote, transferLines } from '../waiting.ts'
import { scopeOf, transferDepsFor } from '../wiring.ts'
import type { TransferDeps } from '../../transfer/deps.ts'

const pullOptions = {
  'all-tags': { kind: 'boolean', short: 'a', help: 'Pull every tag of the repository' },
  quiet: { kind: 'boolean', short: 'q', help: 'Print the name only' },
  platform: { kind: 'string', value: 'OS/ARCH', help: 'Platform to pull for (default this machine)' },
  ...registryOptions,
  ...contentTrustOptions,
} as const satisfies OptionTable

type PullOptions = OptionValues<typeof pullOptions>

export const command = defineCommand({
  usage: '[OPTIONS] NAME[:TAG|@DIGEST]',
  arguments: [1, 1],
  options: pullOptions,
  examples: [['wherry pull debian:bookworm-slim', 'From Docker Hub']],
  run: async ({ options, args }, io) => {
    refuseContentTrust(options, io.env)
    const reference = parseReference(args[0]!)
    if (options['all-tags'] && (reference.digest !== undefined || /:[^/]*$/.test(args[0]!))) {
      throw new WherryError('usage', "tag can't be used with --all-tags/-a", { hint: 'Leave out tag and digest.' })
    }
    const deps = await transferDepsFor(options, io)
    for (const each of options['all-tags'] ? await allTags(reference, deps, io) : [reference]) {
      await pullOne(each, options, { deps, io })
    }
    return 0
  },
})

async function allTags(reference: Reference, deps: TransferDeps, io: Io): Promise<Reference[]> {
  const { registry, repository } = reference
  const tags = await deps.registry.tags(
    reference,
    scopeOf(io, () => undefined),
  )
  if (tags.length > 0) return tags.map((tag) => ({ registry, repository, tag }))
  throw new WherryError('image-not-found', `${familiarRepository(reference)} has no tags`)
}

async function pullOne(
  reference: Reference,
  options: PullOptions,
  { deps, io }: { readonly deps: TransferDeps; readonly io: Io },
): Promise<void> {
  const platform = options.platform === undefined ? hostPlatform() : parsePlatform(options.platform, hostPlatform())
  const name = familiarReference(reference)
  if (!options.quiet) printLine(io, `${reference.tag ?? reference.digest ?? ''}: Pulling from ${reference.repository}`)
  const wait = await beginWait(
    { text: `pulling ${name}`, ...(options.quiet ? {} : { lineOf: transferLines('pull'), noteOf: registryNote }) },
    io,
  )
  const lease = await deps.store.lease()
  try {
    const request = { name: formatReference(reference), platform, policy: 'always' } as const
    const isPlatformAsked = options.platform !== undefined
    const { isNew, ...pulled } = await pullImage({ ...request, isPlatformAsked }, deps, scopeOf(io, wait.event))
    wait.close()
    if (!options.quiet) {
      printLine(io, `Digest: ${pulled.digest ?? pulled.manifest}`)
      printLine(io, `Status: ${isNew ? 'Downloaded newer image for' : 'Image is up to date for'} ${name}`)
    }
    printLine(io, formatReference(reference))
  } finally {
    wait.close()
    await lease.release()
  }
}
