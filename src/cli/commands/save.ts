/** `wherry save`: images of the store as an archive. */
import { resolve } from 'node:path'
import { WherryError } from '../../core/errors.ts'
import { hostPlatform, parsePlatform } from '../../oci/platform.ts'
import { type SaveForm, saveForms, saveImages } from '../../transfer/save.ts'
import { defineCommand } from '../command.ts'
import { registryOptions } from '../registry-options.ts'
import { imagesToSave } from '../save-names.ts'
import { refuseTerminal } from '../terminal.ts'
import { beginWait } from '../waiting.ts'
import { scopeOf, transferDepsFor } from '../wiring.ts'

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE...',
  arguments: [1, Infinity],
  options: {
    output: { kind: 'string', short: 'o', value: 'FILE', help: 'Write to a file (default standard output)' },
    format: {
      kind: 'string',
      value: 'FORM',
      choices: saveForms,
      help: 'Form of the archive; docker-legacy is for a docker before 25 (default docker-archive)',
    },
    platform: { kind: 'string', value: 'OS/ARCH', help: 'Only the image for this platform' },
    ...registryOptions,
  },
  examples: [
    ['wherry save -o app.tar me/app:1', 'What `docker load` and `skopeo copy docker-archive:app.tar …` read'],
    ['wherry save me/app | zstd > app.tar.zst', 'All tags of me/app'],
    ['wherry save --format oci-dir -o layout me/app:1', 'An OCI layout in a folder'],
  ],
  run: async ({ options, args }, io) => {
    const form = (options.format ?? 'docker-archive') as SaveForm
    const isStdout = options.output === undefined || options.output === '-'
    if (isStdout && form === 'oci-dir') {
      throw new WherryError('usage', 'a folder cannot go to standard output', { hint: 'Name one with -o FOLDER.' })
    }
    if (isStdout) refuseTerminal(io, 'an archive')
    const platform = options.platform === undefined ? {} : { platform: parsePlatform(options.platform, hostPlatform()) }
    const deps = await transferDepsFor(options, io)
    const images = await imagesToSave(deps.store, args)
    const dest = isStdout ? '-' : resolve(io.cwd, options.output)
    const wait = await beginWait({ text: `saving ${args.join(' ')}` }, io)
    try {
      const request = { images, form, dest, stdout: io.stdout, ...platform }
      await saveImages(request, { deps, scope: scopeOf(io, wait.event) })
      return 0
    } finally {
      wait.close()
    }
  },
})
