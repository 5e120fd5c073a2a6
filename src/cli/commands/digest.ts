/** `wherry digest`: what a name means in its registry. */
import type { Digest } from '../../core/digest.ts'
import { WherryError } from '../../core/errors.ts'
import { hostPlatform, parsePlatform } from '../../oci/platform.ts'
import { familiarReference, formatReference, parseReference } from '../../oci/reference.ts'
import { planCopy } from '../../transfer/copy/plan.ts'
import { foundInRegistry } from '../../transfer/copy/registry-place.ts'
import { defineCommand } from '../command.ts'
import { printLine } from '../io.ts'
import { registryOptions } from '../registry-options.ts'
import { registryFor, scopeOf } from '../wiring.ts'

export const command = defineCommand({
  usage: '[OPTIONS] NAME[:TAG]',
  arguments: [1, 1],
  options: {
    platform: { kind: 'string', value: 'OS/ARCH', help: 'Of the image for this platform instead of the index' },
    'full-ref': { kind: 'boolean', help: 'Print NAME@DIGEST' },
    ...registryOptions,
  },
  examples: [['wherry digest debian:12', 'Asked of the registry; nothing is pulled']],
  run: async ({ options, args }, io) => {
    const reference = parseReference(args[0]!)
    const registry = registryFor(options, io)
    const scope = scopeOf(io, () => undefined)
    const digest = async (): Promise<Digest | undefined> => {
      if (options.platform === undefined) {
        return (await registry.resolve(reference, reference.digest ?? reference.tag ?? 'latest', scope))?.digest
      }
      const platform = parsePlatform(options.platform, hostPlatform())
      const { plan } = await planCopy(await foundInRegistry(reference, { registry }, scope), { platform, scope })
      return plan.top.descriptor.digest
    }
    const found = await digest()
    if (found === undefined) {
      throw new WherryError('image-not-found', `${familiarReference(reference)} is not in its registry`, {
        hint: 'Check the name and the tag.',
      })
    }
    const { registry: host, repository } = reference
    printLine(io, options['full-ref'] ? formatReference({ registry: host, repository, digest: found }) : found)
    return 0
  },
})
