/** `wherry run`: a program in a new container of an image, or in a working container, in the foreground. */
import { type CreateRequest, createContainer } from '../../container/create.ts'
import type { ContainerDeps } from '../../container/deps.ts'
import { removeContainer, sweepContainers, tidyScope } from '../../container/remove.ts'
import { type RunRequest, runContainer } from '../../container/run.ts'
import { WherryError } from '../../core/errors.ts'
import type { ContainerMount, ContainerRecord } from '../../store/contract.ts'
import { type OptionTable, type OptionValues, defineCommand } from '../command.ts'
import {
  checkPublished,
  isolationOption,
  parseLabels,
  parseVolume,
  programOptions,
  variables,
} from '../container-options.ts'
import { type ContainerOptions, withContainers } from '../container-wiring.ts'
import { type Io, noteLine } from '../io.ts'
import { withRawTerminal } from '../raw-terminal.ts'
import { registryOptions } from '../registry-options.ts'
import { beginWait } from '../waiting.ts'
import { scopeOf } from '../wiring.ts'

const runOptions = {
  rm: { kind: 'boolean', help: 'Remove the container and its own volumes when the program has ended' },
  name: { kind: 'string', value: 'NAME', help: "The container's name (default two words)" },
  entrypoint: { kind: 'string', value: 'PROGRAM', help: "Replace the image's ENTRYPOINT" },
  ...programOptions,
  publish: { kind: 'list', short: 'p', value: 'PORT:PORT', help: 'A port of the program; both must be the same' },
  label: { kind: 'list', short: 'l', value: 'KEY=VALUE', help: "Set a label of the container's config" },
  'stop-signal': { kind: 'string', value: 'SIGNAL', help: 'What ends the program (default that of the image)' },
  pull: {
    kind: 'string',
    choices: ['missing', 'always', 'never'],
    help: 'When to ask the registry (default missing)',
  },
  ...isolationOption,
  ...registryOptions,
} as const satisfies OptionTable

type RunOptions = OptionValues<typeof runOptions> & ContainerOptions

const noDaemon =
  'no daemon stays behind that could keep the program: leave it out and add & or use a service manager (systemd-run)'

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE [COMMAND] [ARGUMENT...] | CONTAINER -- COMMAND [ARGUMENT...]',
  arguments: [1, Infinity],
  stopAtArgument: true,
  failed: 125,
  options: runOptions,
  unsupported: [
    ...['--mount', '--privileged', '--cap-add', '--cap-drop', '--device', '--memory', '-m', '--cpus', '--tmpfs'],
    ...['--init', '--platform', '--add-host', '--read-only', '--ulimit', '--shm-size', '--link', '--cidfile'],
  ],
  refused: {
    '-d': noDaemon,
    '--detach': noDaemon,
    '-P': 'the program has the network of this machine and is reached at the ports that it listens on',
    '--publish-all': 'the program has the network of this machine and is reached at the ports that it listens on',
    '--restart': noDaemon,
  },
  examples: [
    ["wherry run --rm debian sh -c 'cat /etc/os-release'", "Options after IMAGE are the program's"],
    ['wherry run -it --name try debian bash', 'A shell; the container is kept until `wherry rm try`'],
    ['wherry run try -- apt-get update', 'Another program in the same container'],
  ],
  run: ({ options, args }, io) => {
    const [first = '', ...rest] = args
    checkTerminal(options, io)
    const note = checkPublished(options.publish, networkOf(options))
    if (note !== undefined) noteLine(io, note)
    return withContainers({ ...options, foreground: true }, io, async (deps) => {
      await sweepContainers(deps)
      const isContainer = rest[0] === '--'
      if (isContainer) return inContainer(first, rest.slice(1), { options, deps, io })
      return ofImage(first, rest, { options, deps, io })
    })
  },
})

interface Running {
  readonly options: RunOptions
  readonly deps: ContainerDeps
  readonly io: Io
}

/** @throws WherryError `usage` in docker's words */
function checkTerminal({ tty, interactive }: RunOptions, { stdin }: Io): void {
  if (tty && interactive && !stdin.isTTY)
    throw new WherryError('usage', 'the input device is not a TTY', {
      hint: 'Leave -t out where there is no terminal.',
    })
}

async function ofImage(image: string, command: readonly string[], running: Running): Promise<number> {
  const { options, deps, io } = running
  const record = await created(await createRequest(image, command, running), running)
  try {
    return await program(record, { interactive: options.interactive, terminal: options.tty }, running)
  } finally {
    const work = { deps, scope: tidyScope }
    if (options.rm)
      await removeContainer(record, { force: true, volumes: true }, work).catch((e: unknown) => told(io, e))
  }
}

/** The program's end is what counts. */
function told(io: Io, error: unknown): void {
  noteLine(io, `the container could not be removed: ${error instanceof Error ? error.message : String(error)}`)
}

async function created(request: CreateRequest, { deps, io }: Running): Promise<ContainerRecord> {
  const wait = await beginWait({ text: `pulling ${request.image}` }, io)
  try {
    return await createContainer(request, deps, scopeOf(io, wait.event))
  } finally {
    wait.close()
  }
}

async function createRequest(
  image: string,
  command: readonly string[],
  { options, io }: Running,
): Promise<CreateRequest> {
  const { entrypoint, user, workdir, hostname, name, label } = options
  const stopSignal = options['stop-signal']
  return {
    image,
    pull: (options.pull ?? 'missing') as CreateRequest['pull'],
    ...(name !== undefined && { name }),
    isWorking: false,
    over: {
      env: await variables(options, io),
      command,
      ...(entrypoint !== undefined && { entrypoint: entrypoint === '' ? [] : [entrypoint] }),
      ...(user !== undefined && { user }),
      ...(workdir !== undefined && { workingDir: workdir }),
      ...(stopSignal !== undefined && { stopSignal }),
      ...(label.length > 0 && { labels: parseLabels(label) }),
    },
    ...(hostname !== undefined && { hostname }),
    network: networkOf(options),
    mounts: mountsOf(options, io),
    withVolumes: true,
    autoRemove: options.rm,
  }
}

function networkOf({ network }: RunOptions): 'host' | 'none' {
  return network === 'none' ? 'none' : 'host'
}

function mountsOf({ volume }: RunOptions, io: Io): ContainerMount[] {
  return volume.map((text) => parseVolume(text, io))
}

/** Options of the making of a container say nothing to one that is there. */
async function inContainer(query: string, command: readonly string[], running: Running): Promise<number> {
  const { options, deps, io } = running
  const odd = (['rm', 'name', 'entrypoint', 'label', 'publish', 'pull', 'stop-signal'] as const).find((key) => {
    const value = options[key]
    return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false
  })
  if (odd !== undefined)
    throw new WherryError('usage', `--${odd} is for a new container, and ${query} is there already`)
  const record = await deps.store.containers.resolve(query)
  const { user, workdir, hostname, network } = options
  const request: RunRequest = {
    ...(command.length > 0 && { command }),
    env: await variables(options, io),
    ...(user !== undefined && { user }),
    ...(workdir !== undefined && { workingDir: workdir }),
    ...(hostname !== undefined && { hostname }),
    ...(network !== undefined && { network: networkOf(options) }),
    mounts: mountsOf(options, io),
    interactive: options.interactive,
    terminal: options.tty,
  }
  return program(record, request, running)
}

async function program(record: ContainerRecord, request: RunRequest, { deps, io }: Running): Promise<number> {
  const scope = scopeOf(io, () => undefined)
  const run = (): Promise<number> => runContainer(record, request, { deps, scope })
  return request.terminal && request.interactive ? withRawTerminal(io, run) : run()
}
