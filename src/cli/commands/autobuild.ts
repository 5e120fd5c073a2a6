/** `wherry autobuild`: builds and pushes what is pushed to git repositories. */
import { join, resolve } from 'node:path'
import { type AutobuildOptions, type Listening, buildOnce, serveAutobuild } from '../../autobuild/autobuild.ts'
import { pollInterval } from '../../autobuild/config.ts'
import { readConfiguration } from '../../autobuild/configuration.ts'
import { WherryError } from '../../core/errors.ts'
import { folders } from '../../store/formats.ts'
import { type OptionTable, type OptionValues, defineCommand } from '../command.ts'
import { type Io, noteLine } from '../io.ts'
import { isLoopback, parseListenAddress } from '../listen-address.ts'
import { openStoreFor } from '../store.ts'
import { readTls, tlsFiles, tlsOptions } from '../tls-options.ts'

const options = {
  config: { kind: 'string', value: 'FILE', help: 'Repositories and their rules, as YAML (default autobuild.yaml)' },
  listen: {
    kind: 'string',
    value: 'HOST:PORT',
    help: 'Address of webhooks and pages (default 127.0.0.1:8080; port 0 takes a free one)',
  },
  'pages-listen': { kind: 'string', value: 'HOST:PORT', help: 'Serve the pages here, and only webhooks at --listen' },
  ...tlsOptions,
  jobs: { kind: 'string', value: 'N', help: 'Builds at once (default 2)' },
  poll: { kind: 'string', value: 'DURATION', help: 'Ask every repository this often for what has moved: 5m' },
  once: { kind: 'boolean', help: 'Build what has moved since it was built, and end' },
  'insecure-registry': {
    kind: 'list',
    value: 'HOST[:PORT]',
    help: 'Allow plain http and unknown certificates for this registry',
  },
  isolation: {
    kind: 'string',
    choices: ['auto', 'mapped', 'single', 'chroot'],
    help: 'How RUN steps get their user ids (default the best that this machine allows)',
  },
  quiet: { kind: 'boolean', short: 'q', help: 'Log only what goes wrong' },
} as const satisfies OptionTable

type Options = OptionValues<typeof options>

export const command = defineCommand({
  usage: '[OPTIONS]',
  arguments: [0, 0],
  options,
  examples: [
    ['wherry autobuild --config autobuild.yaml --listen :8080', 'Take webhooks from other machines'],
    ['wherry autobuild --config autobuild.yaml --poll 5m', 'Ask the repositories instead'],
    ['wherry autobuild --config autobuild.yaml --once', 'One look, for cron'],
  ],
  run: async ({ options: given }, io) => {
    const configPath = resolve(io.cwd, given.config ?? 'autobuild.yaml')
    io.sources.set(configPath.slice(configPath.lastIndexOf('/') + 1), configPath)
    const serving = servingOf(given)
    const tls = await readTls(tlsFiles(given['tls-cert'], given['tls-key']), io)
    const config = await readConfiguration(configPath, io.env)
    const store = await openStoreFor(given, io)
    const all: AutobuildOptions = {
      configPath,
      config,
      folder: join(store.root, folders.autobuild),
      setting: {
        program: programOf(),
        options: buildOptionsOf(given, store.root),
        env: io.env,
        note: (line) => noteLine(io, line),
      },
      isTalkative: !given.quiet,
      jobs: jobsOf(given.jobs),
      signal: io.signal,
    }
    if (given.once) return (await buildOnce(all)) ? 0 : 1
    warn(serving.listen, { tls: tls !== undefined }, io)
    await serveAutobuild({ ...all, ...serving, tls })
    return 0
  },
})

function servingOf(given: Options): { readonly listen: readonly Listening[]; readonly pollMs: number | undefined } {
  const pages = given['pages-listen']
  const main = parseListenAddress(given.listen ?? '127.0.0.1:8080')
  if (given.once && (pages ?? given.listen ?? given.poll) !== undefined) {
    throw new WherryError('usage', '--once serves nothing and does not wait: leave --listen, --pages-listen and --poll')
  }
  const listen: Listening[] =
    pages === undefined
      ? [{ ...main, serves: ['hooks', 'pages'] }]
      : [
          { ...main, serves: ['hooks'] },
          { ...parseListenAddress(pages), serves: ['pages'] },
        ]
  return { listen, pollMs: given.poll === undefined ? undefined : pollInterval(given.poll) }
}

function jobsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,2}$/.test(text) && Number(text) >= 1 && Number(text) <= 64) return Number(text)
  throw new WherryError('usage', `--jobs is "${text}", which is no number from 1 to 64`)
}

/** This program, for builds in processes of their own. */
function programOf(): [string, ...string[]] {
  return [process.execPath, ...process.execArgv, process.argv[1] ?? '']
}

function buildOptionsOf(given: Options, root: string): string[] {
  return [
    `--root=${root}`,
    ...given['insecure-registry'].map((host) => `--insecure-registry=${host}`),
    ...(given.isolation === undefined ? [] : [`--isolation=${given.isolation}`]),
  ]
}

function warn(listen: readonly Listening[], { tls }: { readonly tls: boolean }, io: Io): void {
  const open = listen.filter(({ host }) => !isLoopback(host))
  if (open.some(({ serves }) => serves.includes('pages')))
    noteLine(io, 'WARNING: other machines can reach the pages and read the logs; see --pages-listen.')
  if (open.length > 0 && !tls)
    noteLine(io, 'WARNING: other machines talk to this address in the clear; see --tls-cert.')
}
