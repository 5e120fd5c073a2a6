/** `wherry import`: an image from the tar of a file system. */
import { emptyConfig } from '../../oci/config.ts'
import { hostPlatform, parsePlatform } from '../../oci/platform.ts'
import { WherryError } from '../../core/errors.ts'
import { formatReference, parseReference } from '../../oci/reference.ts'
import { applyChanges } from '../../plan/changes.ts'
import { importTree } from '../../transfer/import-tree.ts'
import { defineCommand } from '../command.ts'
import { sourceDateEpoch } from '../epoch.ts'
import { withImportSource } from '../import-source.ts'
import { printLine } from '../io.ts'
import { registryOptions } from '../registry-options.ts'
import { beginWait } from '../waiting.ts'
import { scopeOf, withWorkshop } from '../wiring.ts'

export const command = defineCommand({
  usage: '[OPTIONS] FILE|URL|- [NAME[:TAG]]',
  arguments: [1, 2],
  options: {
    change: {
      kind: 'list',
      short: 'c',
      value: 'INSTRUCTION',
      help: 'Instruction of a Dockerfile, \'CMD ["sh"]\' for instance',
    },
    message: { kind: 'string', short: 'm', value: 'TEXT', help: 'Comment in the history (default "Imported from …")' },
    platform: { kind: 'string', value: 'OS/ARCH', help: 'Platform that the image is for (default this machine)' },
    ...registryOptions,
  },
  examples: [
    ['tar -C tree -c . | wherry import - me/base', 'A folder as an image'],
    ['wherry import -c \'CMD ["sh"]\' root.tar.xz me/base:1', 'In any compression'],
  ],
  run: async ({ options, args }, io) => {
    const [source, name] = args as [string, string?]
    const platform = options.platform === undefined ? hostPlatform() : parsePlatform(options.platform, hostPlatform())
    const config = await applyChanges(emptyConfig(platform), options.change, platform)
    const names = name === undefined ? [] : [nameOf(name)]
    const epoch = sourceDateEpoch(io.env)
    const created = (epoch === undefined ? new Date() : new Date(epoch * 1000)).toISOString()
    const wait = await beginWait({ text: `importing ${source}` }, io)
    try {
      const id = await withWorkshop(options, io, (deps) =>
        withImportSource(source, { io, http: deps.http, store: deps.store }, async ({ file, label }) => {
          const message = options.message ?? `Imported from ${label}`
          const imported = await importTree(
            { file, label, config, message, created, names },
            deps,
            scopeOf(io, wait.event),
          )
          return imported.id
        }),
      )
      wait.close()
      printLine(io, id)
      return 0
    } finally {
      wait.close()
    }
  },
})

function nameOf(text: string): string {
  const reference = parseReference(text)
  if (reference.digest === undefined) return formatReference(reference)
  throw new WherryError('usage', `"${text}" is a digest, which cannot be given as a name`)
}
