/** `wherry base host`: a base image from the programs of this machine, or supermin's two steps to a tree of files. */
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { buildAppliance, prepareAppliance } from '../../base/appliance/make.ts'
import type { SealItems } from '../../base/base-image.ts'
import { makeHostBase } from '../../base/host-base.ts'
import { WherryError } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import { formatReference, parseReference } from '../../oci/reference.ts'
import type { Store } from '../../store/contract.ts'
import { type Pool, createPool } from '../../trees/worker/pool.ts'
import { humanSize } from '../../ui/human.ts'
import { type OptionTable, type OptionValues, defineCommand } from '../command.ts'
import { sourceDateEpoch } from '../epoch.ts'
import { type Io, noteLine, printLine } from '../io.ts'
import { openStoreFor } from '../store.ts'
import { beginWait } from '../waiting.ts'
import { scopeOf } from '../wiring.ts'

const options = {
  tag: { kind: 'list', short: 't', value: 'NAME[:TAG]', help: 'Name for the image' },
  quiet: { kind: 'boolean', short: 'q', help: 'Print the image id only' },
  prepare: { kind: 'boolean', help: 'Write to --output what packages a tree is made of, and their settings' },
  build: { kind: 'boolean', help: 'Make the tree that --prepare described, from the packages of this machine' },
  output: { kind: 'string', short: 'o', value: 'DIR', help: 'Folder for --prepare and --build' },
  format: {
    kind: 'string',
    short: 'f',
    choices: ['chroot', 'ext2'],
    help: 'What --build makes: chroot, a tree of files',
  },
  'if-newer': { kind: 'boolean', help: 'Build only if packages or inputs changed since; replaces the folder' },
  'include-packagelist': { kind: 'boolean', help: 'Add /packagelist to what --build makes' },
  'use-installed': { kind: 'boolean', hidden: true, help: 'Take settings from this machine; always so' },
} as const satisfies OptionTable

type Options = OptionValues<typeof options>

const noDisk = 'no disk image with a kernel is made'

export const command = defineCommand({
  usage: '[OPTIONS] [PROGRAM|PACKAGE...]',
  arguments: [0, Infinity],
  options,
  refused: {
    '--copy-kernel': noDisk,
    '--host-cpu': noDisk,
    '--size': noDisk,
    '--lock': 'put flock(1) before the command',
    '--packager-config': 'nothing is downloaded, settings are those of this machine',
    '--list-drivers': 'dpkg and rpm are known',
  },
  examples: [
    ['wherry base host -t base', 'A shell and the usual utilities'],
    [
      'wherry base host -t tools bash git /usr/local/bin/x',
      'Packages with what they depend on, programs with their libraries',
    ],
    ['wherry base host --prepare bash coreutils -o box.d', 'What a system of these is made of: a few kilobytes'],
    ['wherry base host --build --format chroot -o box box.d', 'That system, as a tree of files'],
  ],
  run: async ({ options: given, args }, io) => {
    checkSteps(given, args)
    const store = await openStoreFor(given, io)
    const pool = createPool(availableParallelism())
    const wait = await beginWait({ text: 'collecting the programs of this machine' }, io)
    const scope = scopeOf(io, wait.event)
    try {
      const tools = { store, pool, scope, io }
      if (given.prepare || given.build) return await step(given, args, { ...tools, close: wait.close })
      return await image(given, args, { ...tools, close: wait.close })
    } finally {
      wait.close()
      await pool.close()
    }
  },
})

interface Tools {
  readonly store: Store
  readonly pool: Pool
  readonly scope: Scope
  readonly io: Io
  /** Ends the wait, so that output can come. */
  readonly close: () => void
}

async function image(
  given: Options,
  names: readonly string[],
  { store, pool, scope, io, close }: Tools,
): Promise<number> {
  const tags = given.tag.map((tag) => formatReference(parseReference(tag)))
  const epoch = sourceDateEpoch(io.env)
  const seal: SealItems = (items, to) => pool.run('seal', { items, ...to }, io)
  const spec = { names, tags, ...(epoch === undefined ? {} : { sourceDateEpoch: epoch }) }
  const made = await makeHostBase(spec, { store, seal }, scope)
  close()
  printLine(io, made.id)
  if (!given.quiet) noteLine(io, `${made.entries} entries, ${humanSize(made.size)}`)
  return 0
}

async function step(
  given: Options,
  args: readonly string[],
  { store, pool, scope, io, close }: Tools,
): Promise<number> {
  const folder = resolve(io.cwd, given.output ?? '')
  if (given.prepare) {
    await prepareAppliance({ names: args, folder }, { store, pool }, scope)
    return 0
  }
  const inputs = args.map((path) => resolve(io.cwd, path))
  const build = { inputs, folder, ifNewer: given['if-newer'], packageList: given['include-packagelist'] }
  const entries = await buildAppliance(build, { store, pool }, scope)
  close()
  if (!given.quiet) noteLine(io, entries === undefined ? `${folder} is new enough` : `${entries} entries`)
  return 0
}

function checkSteps(given: Options, args: readonly string[]): void {
  const usage = (message: string, hint: string): WherryError => new WherryError('usage', message, { hint })
  const steps = given.prepare || given.build
  if (given.prepare && given.build) throw usage('--prepare and --build are two steps', 'Give one after the other.')
  if (given.format === 'ext2') {
    throw usage('the format ext2 is not made: a disk image needs a kernel and a bootloader', 'Give --format chroot.')
  }
  if (given.build && given.format === undefined) throw usage('--build needs --format', 'Give --format chroot.')
  if (steps && given.output === undefined) throw usage('--prepare and --build need --output', 'Give -o DIR.')
  if (steps && args.length === 0)
    throw usage('there is nothing to make a tree of', 'Name packages, or what --prepare made.')
  if (steps && given.tag.length > 0) throw usage('a tree of files has no name', 'Leave out --tag.')
  const alone = ['output', 'format', 'if-newer', 'include-packagelist'] as const
  const stray = steps ? undefined : alone.find((name) => given[name] !== undefined && given[name] !== false)
  if (stray !== undefined) throw usage(`--${stray} goes with --prepare or --build`, 'An image needs none.')
}
