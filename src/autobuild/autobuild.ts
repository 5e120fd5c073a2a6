/** Automatic builds from start to end: a server that takes pushes, or one look at everything. */
import { once } from 'node:events'
import { asWherryError } from '../core/errors.ts'
import { sleep } from '../core/schedule.ts'
import { type ServerTls, closeServer, listenOn } from '../http/serve.ts'
import { watchConfiguration } from './configuration.ts'
import type { AutobuildConfig, Repository } from './contract.ts'
import { openDeliveries } from './deliveries.ts'
import type { BuildSetting } from './perform.ts'
import { type Service, openService } from './service.ts'
import { type StateFiles, openStateFiles } from './state.ts'
import { bodyReceiver } from './web/body.ts'
import { createAutobuildServer } from './web/server.ts'

/** What automatic builds are told. */
export interface AutobuildOptions {
  /** Absolute path of the configuration. */
  readonly configPath: string
  readonly config: AutobuildConfig
  /** Folder of what is kept. */
  readonly folder: string
  readonly setting: Omit<BuildSetting, 'files'>
  /** Builds at once, if the configuration does not say. */
  readonly jobs: number | undefined
  /** Log hooks and ends of builds. */
  readonly isTalkative: boolean
  readonly signal: AbortSignal
}

const defaultJobs = 2

interface Opened {
  readonly files: StateFiles
  readonly service: Service
}

async function openAll({ folder, setting, config, jobs, isTalkative }: AutobuildOptions): Promise<Opened> {
  const files = await openStateFiles(folder)
  const onEnd = isTalkative ? setting.note : (): void => undefined
  const parts = { files, setting: { ...setting, files }, jobs: jobs ?? config.jobs ?? defaultJobs, onEnd }
  const service = await openService(config, parts)
  // What waits may be of rules that are gone.
  await service.reconfigure(config)
  return { files, service }
}

/**
 * Builds every ref that moved since it was built, and ends. True if all went well.
 * @throws WherryError `store-busy`
 */
export async function buildOnce(options: AutobuildOptions): Promise<boolean> {
  const { signal, config } = options
  const { service } = await openAll(options)
  const before = new Set(service.queue.list().flatMap(({ id, endedAt }) => (endedAt === undefined ? [] : [id])))
  try {
    const unasked = await service.look(config.repositories, 'asked', signal)
    await Promise.race([service.idle(), aborted(signal)])
    signal.throwIfAborted()
    const failed = service.queue.list().filter(({ id, status }) => !before.has(id) && status === 'failed')
    return unasked.length === 0 && failed.length === 0
  } finally {
    await service.close()
  }
}

/** Where a server listens, and what it serves there. */
export interface Listening {
  readonly host: string
  readonly port: number
  readonly serves: readonly ('hooks' | 'pages')[]
}

/** What the server is told beside. */
export interface ServingOptions extends AutobuildOptions {
  readonly listen: readonly Listening[]
  readonly tls: ServerTls | undefined
  /** How often repositories are asked, in milliseconds; undefined for once at the start. */
  readonly pollMs: number | undefined
}

/** Serves until the signal fires. @throws WherryError `store-busy`, `network`, `config-invalid` */
export async function serveAutobuild(options: ServingOptions): Promise<void> {
  const { signal, setting, tls } = options
  const { files, service } = await openAll(options)
  const note = setting.note
  const deliveries = await openDeliveries(files.deliveriesPath)
  const shared = { service, deliveries, receive: bodyReceiver(), env: setting.env, logPath: files.logPath, tls }
  const servers = options.listen.map(({ host, port, serves }) => {
    const onHook = options.isTalkative ? note : (): void => undefined
    const onFailure = (error: unknown): void => note(`ERROR: ${asWherryError(error).message}`)
    return { host, port, serves, server: createAutobuildServer({ ...shared, serves, onHook, onFailure }) }
  })
  const ending = new AbortController()
  try {
    for (const { server, host, port, serves } of servers) {
      note(`${serves.join(' and ')} at ${(await listenOn(server, { host, port, tls })).url}`)
    }
    const inner = AbortSignal.any([signal, ending.signal])
    // Being told to end is no failure of what is waiting.
    const watching = watchAll(options, service, inner).catch((error: unknown) => {
      if (!inner.aborted) throw error
    })
    await Promise.race([aborted(signal), watching])
  } finally {
    ending.abort(new Error('wherry ends'))
    await Promise.all(servers.filter(({ server }) => server.listening).map(({ server }) => closeServer(server)))
    await service.close()
  }
}

/** What is looked at by time: the refs of repositories, and the configuration. */
async function watchAll(options: ServingOptions, service: Service, signal: AbortSignal): Promise<void> {
  const { note } = options.setting
  const lookAt = (repositories: readonly Repository[]): Promise<void> => lookUntilSeen(service, repositories, signal)
  const watching = watchConfiguration(options.configPath, options.setting.env, {
    signal,
    changed: async (config) => {
      const known = new Set(service.config().repositories.flatMap(({ rules }) => rules.map(({ key }) => key)))
      await service.reconfigure(config)
      note('the configuration has changed')
      const added = config.repositories.filter(({ rules }) => rules.some(({ key }) => !known.has(key)))
      void lookAt(added).catch(() => undefined)
    },
    refused: (error) => note(`WARNING: the configuration stays as it was: ${asWherryError(error).message}`),
  })
  await Promise.all([watching, lookAt(service.config().repositories).then(() => poll(options, service, signal))])
}

async function poll({ pollMs, config }: ServingOptions, service: Service, signal: AbortSignal): Promise<void> {
  const every = (): number | undefined => pollMs ?? service.config().pollMs ?? config.pollMs
  while (!signal.aborted) {
    await sleep(every() ?? 60_000, signal)
    if (every() !== undefined) await service.look(service.config().repositories, 'poll', signal)
  }
}

/** Waits before a repository that could not be asked is asked again, in milliseconds. */
const pauses = [5_000, 30_000, 120_000]

/** Asks repositories until each has answered once, or is no more in the configuration. */
async function lookUntilSeen(service: Service, first: readonly Repository[], signal: AbortSignal): Promise<void> {
  let left = first
  for (let i = 0; left.length > 0; i++) {
    left = await service.look(left, 'poll', signal)
    if (left.length > 0) await sleep(pauses[Math.min(i, pauses.length - 1)]!, signal)
    left = left.filter((one) => service.config().repositories.includes(one))
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort')
}
