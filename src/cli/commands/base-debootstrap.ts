/** `wherry base debootstrap`: a Debian or Ubuntu system from its mirrors, with no registry and no root. */
import { existsSync, readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { type DebootstrapRequest, debootstrap } from '../../base/debian/debootstrap.ts'
import { type Variant, variants } from '../../base/debian/select.ts'
import { architectureOf, platformOfArchitecture, sourcesOf } from '../../base/debian/sources.ts'
import { type DebianTool, tools } from '../../base/debian/spec.ts'
import { WherryError } from '../../core/errors.ts'
import { hostPlatform } from '../../oci/platform.ts'
import { formatReference, parseReference } from '../../oci/reference.ts'
import { humanSize } from '../../ui/human.ts'
import { type OptionTable, type OptionValues, defineCommand } from '../command.ts'
import { sourceDateEpoch } from '../epoch.ts'
import { type Io, noteLine, printLine } from '../io.ts'
import { registryOptions } from '../registry-options.ts'
import { beginWait } from '../waiting.ts'
import { scopeOf, withWorkshop } from '../wiring.ts'

const options = {
  tag: { kind: 'list', short: 't', value: 'NAME[:TAG]', help: 'Name for the image' },
  mirror: {
    kind: 'list',
    value: 'URL',
    help: "Mirror, or a line of sources.list; without it the distribution's own, with updates and security updates",
  },
  variant: {
    kind: 'string',
    choices: [...variants, '-'],
    help: 'How much is installed (default: all of priority required and important)',
  },
  include: { kind: 'list', value: 'PACKAGE,...', help: 'More packages, with their dependencies' },
  components: { kind: 'list', value: 'NAME,...', help: 'Components of the mirror (default main)' },
  arch: { kind: 'string', value: 'ARCH', help: "Debian's name of an architecture (default: this machine's)" },
  keyring: { kind: 'string', value: 'FILE', help: 'Keys that the Release file may be signed with' },
  'no-check-gpg': { kind: 'boolean', help: 'Take packages whose origin nobody vouches for' },
  tool: {
    kind: 'string',
    choices: tools,
    help: 'What makes the system (default: mmdebstrap or debootstrap where installed, else wherry itself)',
  },
  isolation: {
    kind: 'string',
    choices: ['auto', 'mapped', 'single', 'chroot'],
    help: 'How packages get their user ids',
  },
  quiet: { kind: 'boolean', short: 'q', help: 'Print the image id only' },
  verbose: { kind: 'boolean', help: 'Show all that the packages say' },
  ...registryOptions,
} as const satisfies OptionTable

type Options = OptionValues<typeof options>

export const command = defineCommand({
  usage: '[OPTIONS] SUITE [TARGET [MIRROR [SCRIPT]]]',
  arguments: [1, 4],
  options,
  examples: [
    ['wherry base debootstrap -t debian:12 bookworm', 'An image of Debian 12'],
    ['wherry base debootstrap --variant=minbase --include=curl -t small trixie', 'A smaller one, with curl'],
    ['wherry base debootstrap bookworm tree', 'A tree of files, for `tar -C tree -c . | wherry import - NAME`'],
  ],
  run: async ({ options, args }, io) => {
    const wait = await beginWait({ text: `making ${args[0]}` }, io)
    try {
      const request = requestOf(options, args, io)
      const made = await withWorkshop(options, io, (deps) =>
        debootstrap(request, { ...deps, env: io.env }, scopeOf(io, wait.event)),
      )
      wait.close()
      if (made.kind === 'image') {
        printLine(io, made.image.id)
        if (!options.quiet) noteLine(io, `${made.image.entries} entries, ${humanSize(made.image.size)}`)
      } else if (made.leftOut > 0 && !options.quiet) {
        noteLine(io, `${made.leftOut} devices were left out: only root can make them, and containers have their own`)
      }
      return 0
    } finally {
      wait.close()
    }
  },
})

function requestOf(options: Options, args: readonly string[], io: Io): DebootstrapRequest {
  const [suite = '', folder, mirror, script] = args
  if (script !== undefined) {
    throw new WherryError('usage', `the script ${script} is not run: suites are known by what their mirrors say`, {
      hint: 'Leave it out.',
    })
  }
  if (!/^[A-Za-z0-9][\w.+/-]*$/.test(suite)) throw new WherryError('usage', `"${suite}" is no name of a suite`)
  const architecture = options.arch ?? architectureOf(hostPlatform()) ?? ''
  platformOfArchitecture(architecture)
  const epoch = sourceDateEpoch(io.env)
  const seconds = epoch ?? Math.floor(Date.now() / 1000)
  const time = BigInt(seconds) * 1_000_000_000n
  const mirrors = [...options.mirror, ...(mirror === undefined ? [] : [mirror])]
  const components = splitNames(options.components)
  return {
    suite,
    architecture,
    sources: sourcesOf({ suite, mirrors, components, architecture }),
    variant: (options.variant === undefined || options.variant === '-' ? 'important' : options.variant) as Variant,
    include: splitNames(options.include),
    keyring: options.keyring === undefined ? undefined : resolve(io.cwd, options.keyring),
    checkSignatures: !options['no-check-gpg'],
    time,
    clampMtime: epoch === undefined ? undefined : time,
    tool: options.tool as DebianTool | undefined,
    onOutput: (text) => {
      if (options.verbose) io.stderr.write(text)
    },
    result:
      folder === undefined ? imageResult(options, { suite, seconds }) : treeResult(options, resolve(io.cwd, folder)),
  }
}

function imageResult(
  options: Options,
  { suite, seconds }: { readonly suite: string; readonly seconds: number },
): DebootstrapRequest['result'] {
  const tags = options.tag.map((tag) => formatReference(parseReference(tag)))
  const created = new Date(seconds * 1000)
  return { kind: 'image', tags, created, command: `wherry base debootstrap ${suite}` }
}

function treeResult(options: Options, folder: string): DebootstrapRequest['result'] {
  if (options.tag.length > 0) {
    throw new WherryError('usage', 'a tree of files has no name: --tag goes with an image', {
      hint: 'Leave out the folder, or import it afterwards: tar -C DIR -c . | wherry import - NAME',
    })
  }
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new WherryError('usage', `the folder ${folder} is not empty`, { hint: 'Name a new one.' })
  }
  return { kind: 'tree', folder }
}

function splitNames(lists: readonly string[]): string[] {
  return lists.flatMap((list) => list.split(/[,\s]+/)).filter((name) => name !== '')
}
