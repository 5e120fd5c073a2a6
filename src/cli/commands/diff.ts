/** `wherry diff`: what a container has added (A), changed (C) and deleted (D). */
import { withTree } from '../../container/access.ts'
import { withContainers } from '../container-wiring.ts'
import { defineCommand } from '../command.ts'
import { scopeOf } from '../wiring.ts'

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER',
  arguments: [1, 1],
  options: { json: { kind: 'boolean', help: 'One JSON object a line' } },
  examples: [['wherry diff try', 'One line for each file: A added, C changed, D deleted']],
  run: ({ options, args: [query = ''] }, io) =>
    withContainers(options, io, async (deps) => {
      const record = await deps.store.containers.resolve(query)
      const scope = scopeOf(io, () => undefined)
      const changes = await withTree(record, { deps, scope }, ({ containers, tree }) => containers.changes(tree, scope))
      for (const { kind, path } of changes) {
        // Names are bytes, and go to the terminal as they are.
        const name = Buffer.from(path, 'latin1')
        if (options.json) io.stdout.write(`${JSON.stringify({ Kind: kind, Path: name.toString() })}\n`)
        else io.stdout.write(Buffer.concat([Buffer.from(`${kind} `), name, Buffer.from('\n')]))
      }
      return 0
    }),
})
