/** `wherry system df`: what takes how much disk space, and how much of it can be freed. */
import { hexOf } from '../../core/digest.ts'
import type { Store } from '../../store/contract.ts'
import { humanSince, humanSize } from '../../ui/human.ts'
import { formatTable } from '../../ui/table.ts'
import { cachedSteps } from '../cached-steps.ts'
import { defineCommand } from '../command.ts'
import { type DiskRow, diskHeadings, diskRows } from '../disk-rows.ts'
import { askedFormat, formatOptions, formatRows } from '../format.ts'
import { readAllFacts, sharedLayers } from '../image-facts.ts'
import { imageHeadings, imageRows } from '../image-rows.ts'
import { containerFacts, imageUses } from '../image-uses.ts'
import { containerRow } from '../container-rows.ts'
import { type Io, noteLine } from '../io.ts'
import { openStoreFor } from '../store.ts'

export const command = defineCommand({
  usage: '[OPTIONS]',
  arguments: [0, 0],
  options: {
    verbose: { kind: 'boolean', short: 'v', help: 'Show each image and each cached step' },
    ...formatOptions,
  },
  examples: [["wherry system df --format '{{.Type}} {{.Reclaimable}}'", 'What `wherry prune -a` would free, per kind']],
  run: async ({ options }, io) => {
    const store = await openStoreFor(options, io)
    const { rows, unreadable } = await diskRows(store)
    if (options.verbose) await writeDetails(store, rows, io)
    else {
      const columns = ['Type', 'TotalCount', 'Active', 'Size', 'Reclaimable'] as const
      io.stdout.write(formatRows(rows, { format: askedFormat(options), headings: diskHeadings, columns }))
    }
    if (unreadable > 0 && askedFormat(options) === undefined) {
      noteLine(io, `${unreadable} folders belong to mapped ids and could not be measured.`)
    }
    return 0
  },
})

/** docker's parts, with its headings; as there, a format changes nothing about them. */
async function writeDetails(store: Store, rows: readonly DiskRow[], io: Io): Promise<void> {
  const nowMs = Date.now()
  const stored = await store.images.list()
  const all = await readAllFacts(store, stored)
  const uses = [...(await imageUses(store, stored))].map(([manifest, names]) => [manifest, names.length] as const)
  const look = { noTrunc: false, nowMs, shared: sharedLayers(all), containers: new Map(uses) }
  const images = all.flatMap((facts) => imageRows(facts, look))
  const columns = ['Repository', 'Tag', 'ID', 'CreatedSince', 'Size', 'SharedSize', 'UniqueSize', 'Containers'] as const
  const table = formatRows(images, { format: undefined, headings: imageHeadings, columns })
  io.stdout.write(`Images space usage:\n\n${table}\n`)
  const containers = (await containerFacts(store)).map((facts) => containerRow(facts, { noTrunc: false, nowMs }))
  const lines = containers.map((one) => [
    one.ID,
    one.Image,
    one.Command,
    one.LocalVolumes,
    one.RunningFor,
    one.Status,
    one.Names,
  ])
  const columnNames = ['CONTAINER ID', 'IMAGE', 'COMMAND', 'LOCAL VOLUMES', 'CREATED', 'STATUS', 'NAMES']
  io.stdout.write(`Containers space usage:\n\n${formatTable([columnNames, ...lines])}\n`)
  const steps = (await cachedSteps(store)).map(({ key, record, lastUsed, layer }) => [
    hexOf(key).slice(0, 12),
    'regular',
    humanSize(layer?.size ?? 0, 3),
    humanSince(record.createdAt, nowMs),
    humanSince(new Date(lastUsed).toISOString(), nowMs),
    record.description.replace(/\s+/g, ' '),
  ])
  const heading = ['CACHE ID', 'CACHE TYPE', 'SIZE', 'CREATED', 'LAST USED', 'DESCRIPTION']
  const size = rows.find(({ Type }) => Type === 'Build Cache')?.Size ?? '0B'
  io.stdout.write(`Build cache usage: ${size}\n\n${formatTable([heading, ...steps])}\n`)
  for (const { Type, TotalCount, Size } of rows) {
    if (Type !== 'Images' && Type !== 'Build Cache') io.stdout.write(`${Type}: ${TotalCount}, ${Size}\n`)
  }
}
