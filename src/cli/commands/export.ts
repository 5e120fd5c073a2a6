/** `wherry export`: the file system of a container or an image as a tar. */
import { resolve } from 'node:path'
import { hostPlatform, parsePlatform } from '../../oci/platform.ts'
import { loadImage } from '../../transfer/documents.ts'
import { exportTree } from '../../transfer/export-tree.ts'
import { defineCommand } from '../command.ts'
import { withContainers } from '../container-wiring.ts'
import type { Io } from '../io.ts'
import { registryOptions } from '../registry-options.ts'
import { openStoreFor } from '../store.ts'
import { refuseTerminal } from '../terminal.ts'
import { beginWait } from '../waiting.ts'
import { scopeOf, withWorkshop } from '../wiring.ts'

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER|IMAGE',
  arguments: [1, 1],
  options: {
    output: { kind: 'string', short: 'o', value: 'FILE', help: 'Write to a file (default standard output)' },
    platform: { kind: 'string', value: 'OS/ARCH', help: 'Of an index the image for this platform' },
    ...registryOptions,
  },
  examples: [['wherry export try | tar -t', 'All files of the container try, or of an image']],
  run: async ({ options, args }, io) => {
    const isStdout = options.output === undefined || options.output === '-'
    if (isStdout) refuseTerminal(io, 'a tar')
    const dest = isStdout ? '-' : resolve(io.cwd, options.output)
    const isContainer = options.platform === undefined && (await exportedContainer(args[0]!, dest, { options, io }))
    if (isContainer) return 0
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

/** False if no container goes by that name or id. */
async function exportedContainer(
  query: string,
  dest: string,
  { options, io }: { readonly options: { readonly root: string | undefined }; readonly io: Io },
): Promise<boolean> {
  const { containers } = await openStoreFor(options, io)
  const record = (await containers.list()).find(
    ({ id, name }) => name === query || (query.length >= 12 && id.startsWith(query)),
  )
  if (record === undefined) return false
  const { exportContainer } = await import('../../container/export.ts')
  await withContainers(options, io, (deps) =>
    exportContainer(record, { dest, stdout: io.stdout }, { deps, scope: scopeOf(io, () => undefined) }),
  )
  return true
}
