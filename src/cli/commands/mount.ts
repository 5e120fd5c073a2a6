/** `wherry mount` and `wherry umount`: a container's files in a shell of `wherry unshare`. */
import { unshareVariable } from '../../container/unshare.ts'
import { WherryError } from '../../core/errors.ts'
import { askCalls } from '../../trees/container-ask.ts'
import { defineCommand } from '../command.ts'
import type { Command } from '../command.ts'
import { type Io, printLine } from '../io.ts'
import { forEach } from '../one-by-one.ts'

type Ask = (call: string, query?: string) => Promise<unknown>

/** @throws WherryError `usage` outside of such a shell */
async function inShell(io: Io, work: (ask: Ask) => Promise<number>): Promise<number> {
  const path = io.env[unshareVariable]
  const asked = path === undefined ? undefined : await askCalls(path, 'the shell has ended')
  if (asked === undefined)
    throw new WherryError('usage', 'containers are mounted in a namespace of their own, which this shell is not in', {
      hint: 'Start `wherry unshare` first, or use `wherry unshare --mount C=CONTAINER COMMAND`.',
    })
  try {
    return await work((call, query) => asked.caller.call(call, { query }, { signal: io.signal }))
  } finally {
    asked.close()
  }
}

export const command: Command = defineCommand({
  usage: '[CONTAINER...]',
  arguments: [0, Infinity],
  options: {},
  examples: [['cd "$(wherry mount try)"', 'In a shell of `wherry unshare`; without a name it lists what is mounted']],
  run: ({ args }, io) =>
    inShell(io, async (ask) => {
      if (args.length > 0) return forEach(args, io, async (query) => printLine(io, String(await ask('mount', query))))
      for (const row of (await ask('list')) as string[][]) printLine(io, row.join(' '))
      return 0
    }),
})

export const umount: Command = defineCommand({
  usage: '[OPTIONS] CONTAINER...',
  arguments: [0, Infinity],
  options: { all: { kind: 'boolean', short: 'a', help: 'All that are mounted' } },
  run: ({ options, args }, io) =>
    inShell(io, async (ask) => {
      const all = options.all ? ((await ask('list')) as string[][]).map(([id = '']) => id) : []
      return forEach([...args, ...all], io, async (query) => printLine(io, String(await ask('unmount', query))))
    }),
})
