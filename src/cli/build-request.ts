/** From the options of `wherry build` to a BuildRequest; pure. */
import { resolve } from 'node:path'
import type { BuildRequest } from '../build/contract.ts'
import { WherryError } from '../core/errors.ts'
import { hostPlatform, parsePlatform } from '../oci/platform.ts'
import { formatReference, parseReference } from '../oci/reference.ts'
import type { buildOptions } from './build-options.ts'
import type { OptionValues } from './command.ts'
import { sourceDateEpoch } from './epoch.ts'
import { parseOutputs } from './outputs.ts'

export type BuildOptions = OptionValues<typeof buildOptions>

/** What a request depends on beside the options. */
export interface RequestSurroundings {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * The request that options and context ask for. `context` is a folder; a Dockerfile on standard input must have become a file.
 * @throws WherryError `usage`, `reference-invalid`
 */
export function buildRequest(options: BuildOptions, context: string, around: RequestSurroundings): BuildRequest {
  for (const name of ['load', 'layers', 'rm', 'force-rm'] as const) {
    if (!options[name]) throw new WherryError('usage', `--${name}=false is not possible`, { hint: noneOf[name] })
  }
  const epoch = sourceDateEpoch(around.env)
  const { outputs, push } = parseOutputs(options.output, around.cwd)
  if ((options.push || push) && options.tag.length === 0) {
    throw new WherryError('usage', '--push needs a name to push to', { hint: 'Give the image one with -t.' })
  }
  return {
    context: resolve(around.cwd, context),
    dockerfile:
      options.file === undefined ? resolve(around.cwd, context, 'Dockerfile') : resolve(around.cwd, options.file),
    ...(options.target === undefined ? {} : { target: options.target }),
    buildArgs: buildArgs(options['build-arg'], around.env),
    labels: Object.fromEntries(options.label.map((label) => splitPair(label, '--label')).map(([k, v]) => [k, v ?? ''])),
    env: environmentPairs(options.env, around.env),
    unsetEnv: options.unsetenv.flatMap((names) => names.split(',')),
    unsetLabels: options.unsetlabel.flatMap((names) => names.split(',')),
    platforms: options.platform === undefined ? [] : [onePlatform(options.platform)],
    tags: options.tag.map(fullTag),
    noCache: options['no-cache'],
    noCacheStages: options['no-cache-filter'].flatMap((names) => names.split(',')).filter((name) => name !== ''),
    pull: pullPolicy(options.pull),
    network: options.network === 'none' ? 'none' : 'host',
    outputs,
    push: options.push || push,
    ...(epoch === undefined ? {} : { sourceDateEpoch: epoch }),
  }
}

const noneOf = {
  load: 'The store always keeps the image; `wherry rmi` removes it.',
  layers: 'A step that changes files always makes a layer; --no-cache runs every step, --squash makes one layer.',
  rm: 'wherry makes no intermediate containers that could be kept.',
  'force-rm': 'wherry makes no intermediate containers that could be kept.',
} as const

function splitPair(text: string, option: string): [key: string, value: string | undefined] {
  const equals = text.indexOf('=')
  const key = equals < 0 ? text : text.slice(0, equals)
  if (key === '')
    throw new WherryError('usage', `${option} "${text}" has no key`, { hint: `Write ${option} KEY=VALUE.` })
  return [key, equals < 0 ? undefined : text.slice(equals + 1)]
}

function buildArgs(args: readonly string[], env: RequestSurroundings['env']): Record<string, string> {
  const values: Record<string, string> = {}
  for (const arg of args) {
    const [key, given] = splitPair(arg, '--build-arg')
    const value = given ?? env[key]
    if (value !== undefined) values[key] = value
  }
  return values
}

function environmentPairs(lines: readonly string[], env: RequestSurroundings['env']): Record<string, string> {
  return Object.fromEntries(
    lines.flatMap((line) => {
      const [key, given] = splitPair(line, '--env')
      const value = given ?? env[key]
      return value === undefined ? [] : [[key, value]]
    }),
  )
}

function onePlatform(text: string): BuildRequest['platforms'][number] {
  if (!text.includes(',')) return parsePlatform(text, hostPlatform())
  throw new WherryError('not-implemented', 'building for several platforms at once is not implemented yet', {
    hint: 'Build for one at a time.',
  })
}

function fullTag(text: string): string {
  const reference = parseReference(text)
  if (reference.digest === undefined) return formatReference(reference)
  throw new WherryError('usage', `-t "${text}" is a digest, which cannot be chosen`, { hint: 'Give a NAME[:TAG].' })
}

function pullPolicy(pull: string | undefined): BuildRequest['pull'] {
  if (pull === 'true' || pull === 'always') return 'always'
  return pull === 'never' ? 'never' : 'missing'
}
