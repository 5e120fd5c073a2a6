/** `wherry copy`: an image from one place to another, as it is. */
import { WherryError } from '../../core/errors.ts'
import { hostPlatform, parsePlatform } from '../../oci/platform.ts'
import { copyImage, copyText } from '../../transfer/copy/copy.ts'
import { parsePlace } from '../../transfer/copy/place.ts'
import { defineCommand } from '../command.ts'
import { printLine } from '../io.ts'
import { registryOptions } from '../registry-options.ts'
import { writeResultFile } from '../result-files.ts'
import { beginWait } from '../waiting.ts'
import { scopeOf, transferDepsFor } from '../wiring.ts'

export const command = defineCommand({
  usage: '[OPTIONS] SOURCE DESTINATION',
  arguments: [2, 2],
  options: {
    all: { kind: 'boolean', short: 'a', help: 'Copy every platform of an index, which is the default' },
    platform: { kind: 'string', value: 'OS/ARCH', help: 'Copy only the image for this platform' },
    quiet: { kind: 'boolean', short: 'q', help: 'Print nothing' },
    digestfile: { kind: 'string', value: 'FILE', help: 'Write the digest to a file' },
    'preserve-digests': { kind: 'boolean', on: true, help: 'Digests never change', hidden: true },
    ...registryOptions,
  },
  examples: [
    [
      'wherry copy docker://debian:12 docker://reg.example.com/debian:12',
      'All platforms, without storing anything here',
    ],
    [
      'wherry copy docker://debian:12 oci:layout:12',
      'Into an OCI layout; also oci-archive:FILE and docker-archive:FILE',
    ],
    ['wherry copy docker-archive:app.tar store:me/app:1', 'Into the local store'],
  ],
  run: async ({ options, args }, io) => {
    if (options.all && options.platform !== undefined) {
      throw new WherryError('usage', '--all and --platform exclude one another')
    }
    const platform = options.platform === undefined ? {} : { platform: parsePlatform(options.platform, hostPlatform()) }
    const [from, to] = args.map((text) => parsePlace(text, io.cwd))
    const request = { from: from!, to: to!, ...platform }
    const deps = await transferDepsFor(options, io)
    const wait = await beginWait({ text: copyText(request) }, io)
    try {
      const digest = await copyImage(request, { deps, scope: scopeOf(io, wait.event) })
      wait.close()
      if (options.digestfile !== undefined) await writeResultFile(options.digestfile, digest)
      if (!options.quiet) printLine(io, `Digest: ${digest}`)
      return 0
    } finally {
      wait.close()
    }
  },
})
