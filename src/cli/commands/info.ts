/** `wherry info`: where things are and how builds run here. */
import { choose } from '../../host/choose.ts'
import { probeFacts } from '../../host/facts.ts'
import { formatPlatform, hostPlatform } from '../../oci/platform.ts'
import { defineCommand } from '../command.ts'
import { formatObjects } from '../format.ts'
import { openStoreFor } from '../store.ts'
import { version } from '../version.ts'

export const command = defineCommand({
  usage: '[OPTIONS]',
  arguments: [0, 0],
  options: {
    format: { kind: 'string', short: 'f', value: 'FORMAT', help: '"json", or a template such as "{{.Store}}"' },
  },
  run: async ({ options }, io) => {
    const [store, facts] = await Promise.all([openStoreFor(options, io), probeFacts()])
    const images = await store.images.list()
    const choice = choose(facts, 'auto')
    const info = {
      Version: version,
      Node: process.version,
      Platform: formatPlatform(hostPlatform()),
      Kernel: facts.kernel,
      User: facts.user,
      Isolation: choice.ok ? choice.mode.kind : 'none (see `wherry doctor`)',
      Store: store.root,
      Images: new Set(images.map((image) => image.id)).size,
    }
    if (options.format !== undefined) io.stdout.write(formatObjects([info], options.format))
    else
      io.stdout.write(
        Object.entries(info)
          .map(([key, value]) => `${`${key}:`.padEnd(11)} ${value}\n`)
          .join(''),
      )
    return 0
  },
})
