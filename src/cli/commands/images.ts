/** `wherry images`: what the store holds, as docker lists it. */
import { mapLimit } from '../../core/schedule.ts'
import { formatTable } from '../../ui/table.ts'
import { defineCommand } from '../command.ts'
import { formatObjects } from '../format.ts'
import { type ImageFacts, readImageFacts } from '../image-facts.ts'
import { type ImageRow, imageRows, parseImageFilters } from '../image-rows.ts'
import { openStoreFor } from '../store.ts'

export const command = defineCommand({
  usage: '[OPTIONS] [REPOSITORY[:TAG]]',
  arguments: [0, 1],
  options: {
    all: { kind: 'boolean', short: 'a', help: 'Show all images (wherry has no hidden ones)' },
    quiet: { kind: 'boolean', short: 'q', help: 'Show ids only' },
    'no-trunc': { kind: 'boolean', help: 'Show whole ids' },
    digests: { kind: 'boolean', help: 'Show the digests known to registries' },
    filter: {
      kind: 'list',
      short: 'f',
      value: 'KEY=VALUE',
      help: 'dangling=true|false, reference=PATTERN, label=KEY[=VALUE]',
    },
    format: { kind: 'string', value: 'FORMAT', help: '"json", or a template such as "{{.Repository}}:{{.Tag}}"' },
  },
  unsupported: ['--tree'],
  examples: [
    ['wherry images', 'All images'],
    ['wherry images -q --filter dangling=true', 'Ids of images without a name'],
  ],
  run: async ({ options, args }, io) => {
    const store = await openStoreFor(options, io)
    const filter = parseImageFilters(options.filter, args[0])
    const facts = await mapLimit(await store.images.list(), 8, (image) => readImageFacts(store, image))
    const shown = facts.filter(filter.image).sort(newestFirst)
    const look = { noTrunc: options['no-trunc'], nowMs: Date.now() }
    const rows = shown.flatMap((image) => imageRows(image, look)).filter(filter.row)
    if (options.quiet) io.stdout.write(rows.map((row) => `${row.ID}\n`).join(''))
    else if (options.format !== undefined) io.stdout.write(formatObjects(rows, options.format))
    else io.stdout.write(table(rows, options.digests))
    return 0
  },
})

function newestFirst(a: ImageFacts, b: ImageFacts): number {
  const time = (facts: ImageFacts): string => `${facts.created ?? ''} ${facts.image.storedAt}`
  return time(a) < time(b) ? 1 : -1
}

function table(rows: readonly ImageRow[], digests: boolean): string {
  const heading = ['REPOSITORY', 'TAG', ...(digests ? ['DIGEST'] : []), 'IMAGE ID', 'CREATED', 'SIZE']
  const cells = rows.map((row) => [
    row.Repository,
    row.Tag,
    ...(digests ? [row.Digest] : []),
    row.ID,
    row.CreatedSince,
    row.Size,
  ])
  return formatTable([heading, ...cells])
}
