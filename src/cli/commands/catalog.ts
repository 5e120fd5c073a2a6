/** `wherry catalog`: the repositories of a registry. */
import { WherryError } from '../../core/errors.ts'
import { defineCommand } from '../command.ts'
import { printNames } from '../list-output.ts'
import { registryOptions } from '../registry-options.ts'
import { registryFor, scopeOf } from '../wiring.ts'

export const command = defineCommand({
  usage: '[OPTIONS] REGISTRY',
  arguments: [1, 1],
  options: {
    'full-ref': { kind: 'boolean', help: 'Print whole names' },
    json: { kind: 'boolean', help: 'Print a JSON array' },
    ...registryOptions,
  },
  examples: [['wherry catalog localhost:5000', 'Not every registry lists what it has; Docker Hub does not']],
  run: async ({ options, args }, io) => {
    const registry = args[0]!.replace(/^(https?|docker):\/\//, '').replace(/\/+$/, '')
    if (registry === '' || registry.includes('/')) {
      throw new WherryError('usage', `"${args[0]!}" is no registry`, {
        hint: 'Write HOST[:PORT]; `wherry ls` lists tags.',
      })
    }
    const scope = scopeOf(io, () => undefined)
    const names = await registryFor(options, io).repositories(registry, scope)
    const prefix = options['full-ref'] ? `${registry}/` : ''
    printNames(
      names.map((name) => prefix + name),
      options.json,
      io,
    )
    return 0
  },
})
