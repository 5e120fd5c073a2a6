/** `wherry ps` and `wherry containers`: the containers in the store, as docker lists them. */
import { mapLimit } from '../../core/schedule.ts'
import { formatTable } from '../../ui/table.ts'
import {
  type ContainerFacts,
  type ContainerRow,
  containerRow,
  parseContainerFilters,
  stateOf,
} from '../container-rows.ts'
import { type OptionTable, defineCommand } from '../command.ts'
import { formatObjects } from '../format.ts'
import type { Command } from '../command.ts'
import { openStoreFor } from '../store.ts'

const options = {
  quiet: { kind: 'boolean', short: 'q', help: 'Show ids only' },
  'no-trunc': { kind: 'boolean', help: 'Show all of ids and commands' },
  last: { kind: 'string', short: 'n', value: 'N', help: 'Show the N newest, running or not' },
  latest: { kind: 'boolean', short: 'l', help: 'Show the newest, running or not' },
  filter: {
    kind: 'list',
    short: 'f',
    value: 'KEY=VALUE',
    help: 'id, name, status=created|running|exited, exited=CODE, ancestor, label, volume',
  },
  format: { kind: 'string', value: 'FORMAT', help: '"json", or a template such as "{{.Names}}: {{.Status}}"' },
  json: { kind: 'boolean', help: 'The same as --format json' },
} as const satisfies OptionTable

/** The command; `all` shows also what does not run. */
function listing(all: boolean): Command {
  return defineCommand({
    usage: '[OPTIONS]',
    arguments: [0, 0],
    options: {
      all: { kind: 'boolean', short: 'a', on: all, help: 'Show also those that do not run' },
      ...options,
    },
    unsupported: ['-s', '--size'],
    examples: all
      ? [['wherry containers -q', 'Ids of all containers']]
      : [['wherry ps -a --format "{{.Names}}\\t{{.Status}}"', 'All containers, and what became of them']],
    run: async ({ options: given }, io) => {
      const store = await openStoreFor(given, io)
      const matches = parseContainerFilters(given.filter)
      const facts = await mapLimit(await store.containers.list(), 8, async (record) => ({
        record,
        holder: await store.containers.holder(record),
      }))
      const last = given.latest ? 1 : given.last === undefined ? undefined : Number(given.last)
      // A filter by state is one for all of them.
      const isAll = given.all || last !== undefined || given.filter.some((f) => /^(status|exited)=/.test(f))
      const isShown = (one: ContainerFacts): boolean => (isAll || stateOf(one) === 'running') && matches(one)
      const look = { noTrunc: given['no-trunc'], nowMs: Date.now() }
      const rows = facts
        .filter(isShown)
        .slice(0, last)
        .map((one) => containerRow(one, look))
      const format = given.json ? 'json' : given.format
      if (given.quiet) io.stdout.write(rows.map((row) => `${row.ID}\n`).join(''))
      else io.stdout.write(format === undefined ? table(rows) : formatObjects(rows, format))
      return 0
    },
  })
}

function table(rows: readonly ContainerRow[]): string {
  const heading = ['CONTAINER ID', 'IMAGE', 'COMMAND', 'CREATED', 'STATUS', 'PORTS', 'NAMES']
  const cells = rows.map((row) => [row.ID, row.Image, row.Command, row.RunningFor, row.Status, row.Ports, row.Names])
  return formatTable([heading, ...cells])
}

export const command: Command = listing(false)

/** As buildah has it. */
export const containers: Command = listing(true)
