/** `wherry from`: a working container on an image, for building by script. */
import { createContainer } from '../../container/create.ts'
import { withContainers } from '../container-wiring.ts'
import { isolationOption, parseLabels } from '../container-options.ts'
import { defineCommand } from '../command.ts'
import { printLine } from '../io.ts'
import { registryOptions } from '../registry-options.ts'
import { beginWait } from '../waiting.ts'
import { scopeOf } from '../wiring.ts'

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE',
  arguments: [1, 1],
  options: {
    name: { kind: 'string', value: 'NAME', help: "The container's name (default IMAGE-working-container)" },
    pull: {
      kind: 'optional',
      bare: 'always',
      choices: ['missing', 'always', 'never'],
      help: 'When to ask the registry (default missing)',
    },
    label: { kind: 'list', short: 'l', value: 'KEY=VALUE', help: "Set a label of the container's config" },
    quiet: { kind: 'boolean', short: 'q', help: 'Show no progress' },
    ...isolationOption,
    ...registryOptions,
  },
  examples: [
    ['c=$(wherry from debian)', 'Prints the name of the container'],
    ['wherry run $c -- apt-get update', 'Then commands run in it, one after the other'],
    ['wherry commit $c me/app', 'And it becomes an image'],
  ],
  run: ({ options, args: [image = ''] }, io) =>
    withContainers(options, io, async (deps) => {
      const wait = options.quiet ? undefined : await beginWait({ text: `pulling ${image}` }, io)
      try {
        const record = await createContainer(
          {
            image,
            pull: (options.pull ?? 'missing') as 'missing' | 'always' | 'never',
            ...(options.name !== undefined && { name: options.name }),
            isWorking: true,
            over: { env: [], command: [], ...(options.label.length > 0 && { labels: parseLabels(options.label) }) },
            network: 'host',
            mounts: [],
            withVolumes: false,
            autoRemove: false,
          },
          deps,
          scopeOf(io, wait?.event ?? (() => undefined)),
        )
        wait?.close()
        printLine(io, record.name)
        return 0
      } finally {
        wait?.close()
      }
    }),
})
