/** From the options of `wherry build` to a BuildRequest; pure. */
import { resolve } from 'node:path'
import type { BuildRequest } from '../build/contract.ts'
import { WherryError } from '../core/errors.ts'
import { parseAnnotation } from '../oci/annotations.ts'
import { type Platform, formatPlatform, hostPlatform, parsePlatform } from '../oci/platform.ts'
import { formatReference, parseReference } from '../oci/reference.ts'
import type { buildOptions } from './build-options.ts'
import { cacheSettings } from './cache-options.ts'
import { refuseContentTrust } from './content-trust.ts'
import { contextSources, namedContexts } from './context-source.ts'
import type { OptionValues } from './command.ts'
import { parseSecret, parseSsh } from './run-inputs.ts'
import { runSettings } from './run-settings.ts'
import { isLoad, parseOutputs } from './outputs.ts'

export type BuildOptions = OptionValues<typeof buildOptions>

/** What a request depends on beside the options. */
export interface RequestSurroundings {
  readonly cwd: string
  /** Whether a path is there. */
  readonly exists?: (path: string) => boolean
  /** Standard output: archives do not go to a terminal. */
  readonly stdout?: { readonly isTTY?: boolean }
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * The request that options and context ask for. What comes on standard input must have become a file.
 * @throws WherryError `usage`, `reference-invalid`
 */
export function buildRequest(options: BuildOptions, context: string, around: RequestSurroundings): BuildRequest {
  for (const name of ['load', 'layers', 'rm', 'force-rm'] as const) {
    if (options[name] === false || (name === 'load' && isOff(options.load ?? '')))
      throw new WherryError('usage', `--${name}=false is not possible`, { hint: noneOf[name] })
  }
  checkAttestations(options)
  refuseContentTrust(options, around.env)
  const annotations = options.annotation.flatMap((text) => parseAnnotation(text, hostPlatform()))
  const outputs = parseOutputs(options.output, {
    cwd: around.cwd,
    isTerminal: around.stdout?.isTTY === true,
    annotations,
    tags: options.tag,
    push: options.push,
  })
  return {
    ...contextSources(context, options.file, { cwd: around.cwd, exists: around.exists ?? (() => false) }),
    contexts: namedContexts(options['build-context'], around.cwd),
    ...(options.ignorefile === undefined ? {} : { ignoreFile: resolve(around.cwd, options.ignorefile) }),
    ...(options.target === undefined ? {} : { target: options.target }),
    buildArgs: { ...epochArg(around.env), ...buildArgs(options['build-arg'], around.env) },
    labels: Object.fromEntries(options.label.map((label) => splitPair(label, '--label')).map(([k, v]) => [k, v ?? ''])),
    env: environmentPairs(options.env, around.env),
    unsetEnv: options.unsetenv.flatMap((names) => names.split(',')),
    unsetLabels: options.unsetlabel.flatMap((names) => names.split(',')),
    platforms: platformList(options.platform),
    tags: options.tag.map(fullTag),
    noCache: options['no-cache'],
    noCacheStages: options['no-cache-filter'].flatMap((names) => names.split(',')).filter((name) => name !== ''),
    preflight: !options['no-preflight'],
    explain: options.explain,
    ...cacheSettings(options['cache-from'], options['cache-to'], around.cwd),
    pull: pullPolicy(options.pull),
    secrets: options.secret.map((value) => parseSecret(value, around)),
    ssh: options.ssh.map((value) => parseSsh(value, around)),
    run: runSettings(options),
    network: options.network === 'none' ? 'none' : 'host',
    outputs,
    annotations,
    squash: options.squash,
    compatVolumes: options['compat-volumes'],
  }
}

/** Whether the image is to be loaded into an engine, which wherry has none of. */
export function wantsLoad({ load, output }: Pick<BuildOptions, 'load' | 'output'>): boolean {
  return load !== undefined || output.some(isLoad)
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

/** As docker does: the variable is a build arg, unless one is given. */
function epochArg({ SOURCE_DATE_EPOCH = '' }: RequestSurroundings['env']): Record<string, string> {
  return SOURCE_DATE_EPOCH === '' ? {} : { SOURCE_DATE_EPOCH }
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

function platformList(values: readonly string[]): Platform[] {
  const platforms = values
    .flatMap((value) => value.split(','))
    .map((text) => parsePlatform(text.trim(), hostPlatform()))
  return [...new Map(platforms.map((p) => [formatPlatform(p), p])).values()]
}

/** Attestations can only be declined. */
function checkAttestations(options: BuildOptions): void {
  const refuse = (option: string): never => {
    throw new WherryError('not-implemented', `${option} is not implemented yet: wherry makes no attestations`, {
      hint: 'Leave it out, or write --provenance=false --sbom=false.',
    })
  }
  for (const name of ['provenance', 'sbom'] as const) {
    const value = options[name]
    if (value !== undefined && !isOff(value)) refuse(`--${name}=${value}`)
  }
  for (const value of options.attest) {
    const off = /^type=(provenance|sbom),disabled=(true|1)$/.test(value)
    if (!off) refuse(`--attest ${value}`)
  }
}

function isOff(value: string): boolean {
  return ['0', 'f', 'F', 'false', 'FALSE', 'False', 'disabled=true'].includes(value)
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
