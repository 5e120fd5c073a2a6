/** `wherry load`: images of an archive into the store. */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { WherryError } from '../../core/errors.ts'
import { hostPlatform, parsePlatform } from '../../oci/platform.ts'
import { familiarReference, parseReference } from '../../oci/reference.ts'
import { type LoadRequest, type LoadedImage, loadImages } from '../../transfer/load.ts'
import { defineCommand } from '../command.ts'
import { type Io, printLine } from '../io.ts'
import { registryOptions } from '../registry-options.ts'
import { beginWait } from '../waiting.ts'
import { scopeOf, transferDepsFor } from '../wiring.ts'

export const command = defineCommand({
  usage: '[OPTIONS]',
  arguments: [0, 0],
  options: {
    input: {
      kind: 'string',
      short: 'i',
      value: 'FILE',
      help: 'Read a file or the folder of an OCI layout (default standard input)',
    },
    quiet: { kind: 'boolean', short: 'q', help: 'Print the names only' },
    platform: { kind: 'string', value: 'OS/ARCH', help: 'Only the image for this platform' },
    ...registryOptions,
  },
  examples: [
    ['wherry load -i app.tar', 'From `wherry save`, `docker save`, `podman save` or skopeo, in any compression'],
    ['ssh host docker save me/app | wherry load', 'From standard input'],
  ],
  run: async ({ options }, io) => {
    const from = originOf(options.input, io)
    const platform = options.platform === undefined ? {} : { platform: parsePlatform(options.platform, hostPlatform()) }
    const deps = await transferDepsFor(options, io)
    const wait = await beginWait({ text: 'loading images' }, io)
    const lines: string[] = []
    try {
      const scope = scopeOf(io, options.quiet ? () => undefined : wait.event)
      await loadImages({ from, ...platform }, { deps, scope }, (image) => lines.push(...linesOf(image)))
      return 0
    } finally {
      wait.close()
      for (const line of lines) printLine(io, line)
    }
  },
})

function originOf(input: string | undefined, io: Io): LoadRequest['from'] {
  if (input === undefined || input === '-') {
    if (!io.stdin.isTTY) return { label: 'standard input', stream: io.stdin }
    throw new WherryError('usage', 'there is nothing to load: standard input is a terminal', {
      hint: 'Name an archive with -i FILE, or redirect standard input.',
    })
  }
  const path = resolve(io.cwd, input)
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ? { folder: path } : { label: input, path }
}

/** Docker's words. */
function linesOf({ id, names, taken }: LoadedImage): string[] {
  const short = (name: string): string => familiarReference(parseReference(name))
  const moved = taken.map(
    ({ name, id: old }) =>
      `The image ${short(name)} already exists, renaming the old one with ID ${old} to empty string`,
  )
  const loaded = names.length === 0 ? [`Loaded image ID: ${id}`] : names.map((name) => `Loaded image: ${short(name)}`)
  return [...moved, ...loaded]
}
