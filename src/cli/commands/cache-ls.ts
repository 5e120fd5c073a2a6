/** `wherry cache ls`: the results of steps that builds can use again. */
import { hexOf } from '../../core/digest.ts'
import { humanSince, humanSize } from '../../ui/human.ts'
import { type CachedStep, cachedSteps } from '../cached-steps.ts'
import { defineCommand } from '../command.ts'
import { askedFormat, formatOptions, formatRows } from '../format.ts'
import { openStoreFor } from '../store.ts'

export const command = defineCommand({
  usage: '[OPTIONS]',
  arguments: [0, 0],
  options: {
    quiet: { kind: 'boolean', short: 'q', help: 'Show keys only' },
    'no-trunc': { kind: 'boolean', help: 'Show whole keys and instructions' },
    ...formatOptions,
  },
  examples: [['wherry cache ls', 'Cached steps, the one that was used last first']],
  run: async ({ options }, io) => {
    const rows = (await cachedSteps(await openStoreFor(options, io))).map((step) => rowOf(step, options['no-trunc']))
    if (options.quiet) io.stdout.write(rows.map((row) => `${row.Key}\n`).join(''))
    else io.stdout.write(formatRows(rows, { format: askedFormat(options), headings, columns }))
    return 0
  },
})

interface Row {
  readonly Key: string
  readonly LastUsed: string
  readonly Size: string
  readonly Where: string
  readonly Instruction: string
}

const headings: Readonly<Record<keyof Row, string>> = {
  Key: 'KEY',
  LastUsed: 'LAST USED',
  Size: 'SIZE',
  Where: 'WHERE',
  Instruction: 'INSTRUCTION',
}

const columns = ['Key', 'LastUsed', 'Size', 'Where', 'Instruction'] as const

const instructionWidth = 60

function rowOf({ key, record, lastUsed, layer, isHere }: CachedStep, isWhole: boolean): Row {
  const text = record.description.replace(/\s+/g, ' ')
  return {
    Key: isWhole ? key : hexOf(key).slice(0, 12),
    LastUsed: humanSince(new Date(lastUsed).toISOString(), Date.now()),
    Size: layer?.size === undefined ? '0B' : humanSize(layer.size, 3),
    Where: record.diffId === undefined || isHere ? 'here' : (layer?.sources[0]?.repository ?? 'gone'),
    Instruction: isWhole || text.length <= instructionWidth ? text : `${text.slice(0, instructionWidth - 1)}…`,
  }
}
