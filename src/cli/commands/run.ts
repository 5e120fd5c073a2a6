/** `wherry run`: a program over an image, in the foreground; what it changes is dropped. */
import { randomBytes } from 'node:crypto'
import type { BuildDeps } from '../../build/deps.ts'
import { type RunImageRequest, runImage } from '../../build/run-image.ts'
import type { Image } from '../../oci/image.ts'
import { hostPlatform } from '../../oci/platform.ts'
import { pullImage } from '../../transfer/pull.ts'
import { type OptionTable, type OptionValues, defineCommand } from '../command.ts'
import { findStored } from '../find-image.ts'
import type { Io } from '../io.ts'
import { registryOptions } from '../registry-options.ts'
import { beginWait } from '../waiting.ts'
import { scopeOf, withWorkshop } from '../wiring.ts'

const runOptions = {
  rm: { kind: 'boolean', help: 'Keep nothing of the run; wherry never does' },
  env: {
    kind: 'list',
    short: 'e',
    value: 'KEY[=VALUE]',
    help: 'Set a variable; KEY alone takes it from the environment',
  },
  entrypoint: { kind: 'string', value: 'PROGRAM', help: "Replace the image's ENTRYPOINT" },
  user: { kind: 'string', short: 'u', value: 'USER[:GROUP]', help: 'Run as this user' },
  workdir: { kind: 'string', short: 'w', value: 'DIR', help: 'Run in this folder of the image' },
  hostname: { kind: 'string', value: 'NAME', help: 'Host name that the program sees' },
  network: { kind: 'string', choices: ['host', 'none'], help: 'Network (default host)' },
  pull: {
    kind: 'string',
    choices: ['missing', 'always', 'never'],
    help: 'When to ask the registry (default missing)',
  },
  isolation: {
    kind: 'string',
    choices: ['auto', 'mapped', 'single', 'chroot'],
    help: 'How the program gets its user ids',
  },
  interactive: { kind: 'boolean', short: 'i', hidden: true, help: "The program always has wherry's standard input" },
  tty: { kind: 'boolean', short: 't', hidden: true, help: "The program always has wherry's terminal" },
  ...registryOptions,
} as const satisfies OptionTable

type RunOptions = OptionValues<typeof runOptions>

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE [COMMAND] [ARGUMENT...]',
  arguments: [1, Infinity],
  stopAtArgument: true,
  options: runOptions,
  unsupported: [
    ...['-v', '--volume', '--mount', '-p', '--publish', '-P', '-d', '--detach', '--name', '--privileged', '--cap-add'],
    ...['--cap-drop', '--device', '--memory', '-m', '--cpus', '--env-file', '--tmpfs', '--init', '--platform'],
  ],
  examples: [["wherry run debian sh -c 'cat /etc/os-release'", "Options after IMAGE are the program's"]],
  run: async ({ options, args }, io) => {
    const [name, ...rest] = args as [string, ...string[]]
    return withWorkshop({ ...options, foreground: true }, io, async (deps) => {
      const image = await imageToRun(name, options, { deps, io })
      return runImage(
        runRequest(image, rest, { options, env: io.env }),
        deps,
        scopeOf(io, () => undefined),
      )
    })
  },
})

async function imageToRun(
  name: string,
  options: RunOptions,
  { deps, io }: { deps: BuildDeps; io: Io },
): Promise<Image> {
  const policy = (options.pull ?? 'missing') as 'missing' | 'always' | 'never'
  const stored = policy === 'always' ? undefined : await findStored(deps.store, name)
  const wait = await beginWait({ text: `pulling ${name}` }, io)
  try {
    const request = { name: stored?.id ?? name, platform: hostPlatform(), policy }
    return (await pullImage(request, deps, scopeOf(io, wait.event))).image
  } finally {
    wait.close()
  }
}

function runRequest(
  image: Image,
  args: readonly string[],
  { options, env }: { readonly options: RunOptions; readonly env: Io['env'] },
): RunImageRequest {
  return {
    image,
    command: args,
    ...(options.entrypoint === undefined ? {} : { entrypoint: options.entrypoint === '' ? [] : [options.entrypoint] }),
    env: options.env.flatMap((line) => {
      if (line.includes('=')) return [line]
      return env[line] === undefined ? [] : [`${line}=${env[line]}`]
    }),
    ...(options.user === undefined ? {} : { user: options.user }),
    ...(options.workdir === undefined ? {} : { workdir: options.workdir }),
    hostname: options.hostname ?? randomBytes(6).toString('hex'),
    network: options.network === 'none' ? 'none' : 'host',
  }
}
