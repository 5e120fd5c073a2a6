/** `wherry images`: what the store holds, as docker lists it. */
import { familiarReference, parseReference } from '../../oci/reference.ts'
import type { Store, StoredImage } from '../../store/contract.ts'
import { humanSize } from '../../ui/human.ts'
import { defineCommand } from '../command.ts'
import { askedFormat, formatOptions, formatRows } from '../format.ts'
import { parseImageFilters } from '../image-filters.ts'
import { type ImageFacts, createdMs, readAllFacts, readImageFacts, sharedLayers, sizeOfAll } from '../image-facts.ts'
import { type ImageRow, imageHeadings, imageRows } from '../image-rows.ts'
import { printLine } from '../io.ts'
import { openStoreFor } from '../store.ts'

export const command = defineCommand({
  usage: '[OPTIONS] [REPOSITORY[:TAG]]',
  arguments: [0, 1],
  options: {
    all: { kind: 'boolean', short: 'a', help: 'Also the images of the steps of builds' },
    quiet: { kind: 'boolean', short: 'q', help: 'Show ids only' },
    'no-trunc': { kind: 'boolean', help: 'Show whole ids' },
    digests: { kind: 'boolean', help: 'Show the digests known to registries' },
    filter: {
      kind: 'list',
      short: 'f',
      value: 'KEY=VALUE',
      help: 'dangling=true|false, label=KEY[=VALUE], before=IMAGE, since=IMAGE, until=TIME, reference=PATTERN',
    },
    shared: {
      kind: 'boolean',
      help: 'Show what images share and what each has alone, and the sum with each layer once',
    },
    tree: { kind: 'boolean', short: 't', help: 'Show which image builds on which' },
    dot: {
      kind: 'boolean',
      aliases: ['viz'],
      help: 'The same as a graph for graphviz: wherry images --dot | dot -Tpng',
    },
    ...formatOptions,
  },
  examples: [
    ['wherry images', 'All images'],
    ['wherry images -q --filter dangling=true', 'Ids of images without a name'],
    ['wherry images -a --tree', 'The images of all steps, each below the one that it builds on'],
  ],
  run: async ({ options, args }, io) => {
    const store = await openStoreFor(options, io)
    const nowMs = Date.now()
    const createdOf = async (query: string): Promise<number> =>
      createdMs(await readImageFacts(store, await store.images.resolve(query)))
    const filter = await parseImageFilters(options.filter, args[0], { nowMs, createdOf })
    const stored = await store.images.list()
    // The image of a step is nobody's leftover.
    const isDangling = options.filter.some((text) => /^dangling=(true|1)$/i.test(text))
    const steps = options.all && !isDangling ? await stepsOf(store, stored) : []
    const images = await readAllFacts(store, stored)
    // What only the steps of an image have too is its own.
    const look = { noTrunc: options['no-trunc'], nowMs, shared: sharedLayers(images) }
    const shown = [...images, ...(await readAllFacts(store, steps))]
      .filter(filter.image)
      .sort((a, b) => createdMs(b) - createdMs(a) || (b.image.storedAt > a.image.storedAt ? 1 : -1))
      .map((facts) => ({ facts, rows: imageRows(facts, look).filter(filter.row) }))
      .filter(({ rows }) => rows.length > 0)
    const rows = shown.flatMap((one) => one.rows)
    if (options.tree || options.dot) {
      io.stdout.write(
        await picture(
          shown.map(({ facts }) => facts),
          options,
        ),
      )
      return 0
    }
    if (options.quiet) io.stdout.write(rows.map((row) => `${row.ID}\n`).join(''))
    else
      io.stdout.write(
        formatRows(rows, { format: askedFormat(options), headings: imageHeadings, columns: columnsOf(options) }),
      )
    if (options.shared && askedFormat(options) === undefined && !options.quiet) {
      printLine(io, `Each layer once: ${humanSize(sizeOfAll(shown.map(({ facts }) => facts)))}`)
    }
    return 0
  },
})

/** The facts of the images of steps that can be used, beside the images that are stored. */
async function stepsOf(store: Store, stored: readonly StoredImage[]): Promise<StoredImage[]> {
  const { usableSteps } = await import('../../store/step-images.ts')
  const known = new Set(stored.map(({ id }) => id))
  return (await usableSteps(store)).filter(({ id }) => !known.has(id))
}

function columnsOf(options: { readonly digests: boolean; readonly shared: boolean }): (keyof ImageRow)[] {
  const digest = options.digests ? (['Digest'] as const) : []
  const sizes = options.shared ? (['Size', 'SharedSize', 'UniqueSize'] as const) : (['Size'] as const)
  return ['Repository', 'Tag', ...digest, 'ID', 'CreatedSince', ...sizes]
}

/** Which of the images builds on which, as a tree or a graph. */
async function picture(
  shown: readonly ImageFacts[],
  options: { readonly dot: boolean; readonly 'no-trunc': boolean },
): Promise<string> {
  const { familiesOf } = await import('../../report/family.ts')
  const families = familiesOf(
    shown.map(({ image, config, size }) => ({
      id: image.id,
      names: image.names.map((name) => familiarReference(parseReference(name))),
      config,
      size,
    })),
  )
  const noTrunc = options['no-trunc']
  if (options.dot) return (await import('../../report/dot.ts')).dotText(families, { noTrunc })
  const size = (bytes: number): string => humanSize(bytes, 3)
  return (await import('../../report/tree.ts')).treeText(families, { noTrunc, size })
}
