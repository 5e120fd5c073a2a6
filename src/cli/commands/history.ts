/** `wherry history`: the instructions and layers of an image, newest first. */
import { defineCommand } from '../command.ts'
import { askedFormat, formatOptions, formatRows } from '../format.ts'
import { historyHeadings, historyRows } from '../history-rows.ts'
import { factsForPlatform } from '../image-platform.ts'
import { openStoreFor } from '../store.ts'

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE',
  arguments: [1, 1],
  options: {
    human: { kind: 'boolean', short: 'H', on: true, help: 'Sizes and dates for people' },
    'no-trunc': { kind: 'boolean', help: 'Show whole ids and instructions' },
    quiet: { kind: 'boolean', short: 'q', help: 'Show ids only' },
    platform: {
      kind: 'string',
      value: 'OS/ARCH[/VARIANT]',
      help: 'Of an image for several platforms, the one for this',
    },
    ...formatOptions,
  },
  examples: [
    ['wherry history --no-trunc me/app', 'IMAGE is the id of each step built here, which run and tag take too'],
  ],
  run: async ({ options, args }, io) => {
    const store = await openStoreFor(options, io)
    const facts = await factsForPlatform(store, args[0]!, options.platform)
    const { idsByHistory } = await import('../../store/step-images.ts')
    const format = askedFormat(options)
    const rows = historyRows(facts, {
      human: options.human,
      noTrunc: options['no-trunc'],
      nowMs: Date.now(),
      ids: await idsByHistory(store.trails),
    })
    if (options.quiet) io.stdout.write(rows.map((row) => `${row.ID}\n`).join(''))
    else {
      const created = options.human ? 'CreatedSince' : 'CreatedAt'
      const columns = ['ID', created, 'CreatedBy', 'Size', 'Comment'] as const
      io.stdout.write(formatRows(rows, { format, headings: historyHeadings, columns }))
    }
    return 0
  },
})
