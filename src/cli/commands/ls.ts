/** `wherry ls`: the tags of a repository. */
import { WherryError } from '../../core/errors.ts'
import { parseReference } from '../../oci/reference.ts'
import { defineCommand } from '../command.ts'
import { printNames } from '../list-output.ts'
import { registryOptions } from '../registry-options.ts'
import { registryFor, scopeOf } from '../wiring.ts'

export const command = defineCommand({
  usage: '[OPTIONS] REPOSITORY',
  arguments: [1, 1],
  options: {
    'full-ref': { kind: 'boolean', help: 'Print whole names' },
    json: { kind: 'boolean', help: 'Print a JSON array' },
    ...registryOptions,
  },
  examples: [['wherry ls reg.example.com/me/app', 'Its tags in the registry; `wherry images` lists the local store']],
  run: async ({ options, args }, io) => {
    const [text] = args as [string]
    const reference = parseReference(text)
    if (reference.digest !== undefined || /:[^/]*$/.test(text)) {
      throw new WherryError('usage', `"${text}" is one image, not a repository`, { hint: 'Leave out tag and digest.' })
    }
    const scope = scopeOf(io, () => undefined)
    const tags = await registryFor(options, io).tags(reference, scope)
    const prefix = options['full-ref'] ? `${reference.registry}/${reference.repository}:` : ''
    printNames(
      tags.map((tag) => prefix + tag),
      options.json,
      io,
    )
    return 0
  },
})
