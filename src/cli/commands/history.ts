/** `wherry history`: the instructions and layers of an image, newest first. */
import { type HistoryEntry, historyOf } from '../../oci/config.ts'
import { humanSince, humanSize } from '../../ui/human.ts'
import { formatTable } from '../../ui/table.ts'
import { fitWidth, oneLine } from '../../ui/text.ts'
import { defineCommand } from '../command.ts'
import { formatObjects } from '../format.ts'
import { type ImageFacts, readImageFacts } from '../image-facts.ts'
import { openStoreFor } from '../store.ts'

/** Width of CREATED BY when it is cut. */
const createdByWidth = 45

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE',
  arguments: [1, 1],
  options: {
    human: { kind: 'boolean', short: 'H', on: true, help: 'Sizes and dates for people' },
    'no-trunc': { kind: 'boolean', help: 'Show whole ids and instructions' },
    quiet: { kind: 'boolean', short: 'q', help: 'Show ids only' },
    format: { kind: 'string', value: 'FORMAT', help: '"json", or a template such as "{{.CreatedBy}}"' },
  },
  run: async ({ options, args }, io) => {
    const store = await openStoreFor(options, io)
    const facts = await readImageFacts(store, await store.images.resolve(args[0]!))
    const rows = historyRows(facts, {
      human: options.human,
      noTrunc: options['no-trunc'] || options.format === 'json',
      nowMs: Date.now(),
    })
    if (options.quiet) io.stdout.write(rows.map((row) => `${row.ID}\n`).join(''))
    else if (options.format !== undefined) io.stdout.write(formatObjects(rows, options.format))
    else io.stdout.write(table(rows, options.human))
    return 0
  },
})

/** A row with the field names of docker's `--format`. */
interface HistoryRow {
  readonly ID: string
  readonly CreatedAt: string
  readonly CreatedSince: string
  readonly CreatedBy: string
  readonly Size: string
  readonly Comment: string
}

function historyRows(facts: ImageFacts, look: { human: boolean; noTrunc: boolean; nowMs: number }): HistoryRow[] {
  const entries = historyOf(facts.config)
  const id = look.noTrunc ? facts.image.id : facts.image.id.slice(7, 19)
  const sizes = sizesOf(entries, facts)
  const rows = entries.map((entry, i) => {
    const createdBy = oneLine(entry.created_by ?? '')
    return {
      ID: i === entries.length - 1 ? id : '<missing>',
      CreatedAt: entry.created ?? '',
      CreatedSince: humanSince(entry.created, look.nowMs),
      CreatedBy: look.noTrunc ? createdBy : fitWidth(createdBy, createdByWidth),
      Size: look.human ? humanSize(sizes[i]!, 3) : String(sizes[i]),
      Comment: entry.comment ?? '',
    }
  })
  return rows.reverse()
}

/** Bytes of each entry's layer. Entries that made none are 0; surplus entries of a malformed history too. */
function sizesOf(entries: readonly HistoryEntry[], facts: ImageFacts): number[] {
  let layer = 0
  return entries.map((entry) => (entry.empty_layer === true ? 0 : (facts.layers[layer++]?.size ?? 0)))
}

function table(rows: readonly HistoryRow[], human: boolean): string {
  const heading = ['IMAGE', human ? 'CREATED' : 'CREATED AT', 'CREATED BY', 'SIZE', 'COMMENT']
  const cells = rows.map((row) => [
    row.ID,
    human ? row.CreatedSince : row.CreatedAt,
    row.CreatedBy,
    row.Size,
    row.Comment,
  ])
  return formatTable([heading, ...cells])
}
