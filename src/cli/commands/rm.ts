/** `wherry rm`: takes containers away, with what was written in them. */
import { removeContainer } from '../../container/remove.ts'
import { withContainers } from '../container-wiring.ts'
import { defineCommand } from '../command.ts'
import { printLine } from '../io.ts'
import { forEach } from '../one-by-one.ts'
import { scopeOf } from '../wiring.ts'

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER...',
  arguments: [0, Infinity],
  options: {
    all: { kind: 'boolean', short: 'a', help: 'All containers that do not run' },
    force: { kind: 'boolean', short: 'f', help: 'Also those that run: their programs are killed' },
    volumes: { kind: 'boolean', short: 'v', help: 'With the volumes that have no name' },
  },
  unsupported: ['-l', '--link'],
  examples: [
    ['wherry rm try', 'By name or id'],
    ['wherry rm -f -v $(wherry ps -aq)', 'All of them, with their volumes'],
  ],
  run: ({ options, args }, io) =>
    withContainers(options, io, async (deps) => {
      const { containers } = deps.store
      const all = options.all ? (await containers.list()).map((record) => record.id) : []
      return forEach([...args, ...all], io, async (query) => {
        const record = await containers.resolve(query)
        await removeContainer(record, options, { deps, scope: scopeOf(io, () => undefined) })
        printLine(io, query)
      })
    }),
})
