/** `wherry stop`: ends what runs in containers, also in other terminals. */
import { stopContainer } from '../../container/remove.ts'
import { WherryError } from '../../core/errors.ts'
import { defineCommand } from '../command.ts'
import { printLine } from '../io.ts'
import { forEach } from '../one-by-one.ts'
import { openStoreFor } from '../store.ts'
import { scopeOf } from '../wiring.ts'

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER...',
  arguments: [1, Infinity],
  options: {
    time: {
      kind: 'string',
      short: 't',
      aliases: ['timeout'],
      value: 'SECONDS',
      help: 'How long the program may take before it is killed (default 10)',
    },
    signal: { kind: 'string', short: 's', value: 'SIGNAL', help: "Instead of the image's STOPSIGNAL" },
  },
  examples: [['wherry stop -t 2 try', 'SIGTERM, or what STOPSIGNAL says, and after two seconds SIGKILL']],
  run: async ({ options, args }, io) => {
    const graceMs = secondsOf(options.time ?? '10') * 1000
    const store = await openStoreFor(options, io)
    const scope = scopeOf(io, () => undefined)
    const { signal } = options
    return forEach(args, io, async (query) => {
      const record = await store.containers.resolve(query)
      await stopContainer(record, { ...(signal !== undefined && { signal }), graceMs }, { deps: { store }, scope })
      printLine(io, query)
    })
  },
})

function secondsOf(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text)
  throw new WherryError('usage', `--time "${text}" is no number of seconds`)
}
