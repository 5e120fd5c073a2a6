/** `wherry export`: the file system of an image as a tar. */
import { resolve } from 'node:path'
import { hostPlatform, parsePlatform } from '../../oci/platform.ts'
import { loadImage } from '../../transfer/documents.ts'
import { exportTree } from '../../transfer/export-tree.ts'
import { defineCommand } from '../command.ts'
import { registryOptions } from '../registry-options.ts'
import { refuseTerminal } from '../terminal.ts'
import { beginWait } from '../waiting.ts'
import { scopeOf, withWorkshop } from '../wiring.ts'

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE',
  arguments: [1, 1],
  options: {
    output: { kind: 'string', short: 'o', value: 'FILE', help: 'Write to a file (default standard output)' },
    platform: { kind: 'string', value: 'OS/ARCH', help: 'Of an index the image for this platform' },
    ...registryOptions,
  },
  examples: [['wherry export me/app | tar -t', 'All files of the image']],
  run: async ({ options, args }, io) => {
    const isStdout = options.output === undefined || options.output === '-'
    if (isStdout) refuseTerminal(io, 'a tar')
    const dest = isStdout ? '-' : resolve(io.cwd, options.output)
    const platform = options.platform === undefined ? hostPlatform() : parsePlatform(options.platform, hostPlatform())
    const wait = await beginWait({ text: `exporting ${args[0]!}` }, io)
    try {
      await withWorkshop(options, io, async (deps) => {
        const { image } = await loadImage(await deps.store.images.resolve(args[0]!), deps.store, platform)
        const diffIds = image.layers.map((layer) => layer.diffId)
        await exportTree({ diffIds, dest, stdout: io.stdout }, deps, scopeOf(io, wait.event))
      })
      return 0
    } finally {
      wait.close()
    }
  },
})
