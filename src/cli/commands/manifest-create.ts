/** `wherry manifest create`: a list of images for several platforms. */
import { WherryError } from '../../core/errors.ts'
import { parseReference } from '../../oci/reference.ts'
import { withMembers } from '../../transfer/manifest-list.ts'
import { defineCommand } from '../command.ts'
import { printLine } from '../io.ts'
import { listName, manifestOptions, registryValues } from '../manifest-options.ts'
import { scopeOf, transferDepsFor } from '../wiring.ts'

export const command = defineCommand({
  usage: '[OPTIONS] LIST MANIFEST...',
  arguments: [2, Infinity],
  options: {
    amend: { kind: 'boolean', short: 'a', help: 'Add to a list that is there already' },
    ...manifestOptions,
  },
  examples: [
    ['wherry manifest create me/app:1 me/app:1-amd64 me/app:1-arm64', 'Of images that are in their registries'],
  ],
  run: async ({ options, args }, io) => {
    const [list, ...manifests] = args as [string, ...string[]]
    const name = listName(list)
    const references = manifests.map(parseReference)
    const deps = await transferDepsFor(registryValues(options), io)
    const known = await deps.store.drafts.get(name)
    if (known !== undefined && !options.amend) {
      throw new WherryError('image-in-use', 'refusing to amend an existing manifest list with no --amend flag', {
        hint: `${list} is there: add --amend, or remove it with \`wherry manifest rm\`.`,
      })
    }
    const scope = scopeOf(io, () => undefined)
    await deps.store.drafts.put(await withMembers(known ?? { name, members: [] }, references, { deps, scope }))
    printLine(io, `Created manifest list ${name}`)
    return 0
  },
})
