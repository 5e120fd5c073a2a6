/** Options of what makes and runs containers, and what they come to. */
import { readFile } from 'node:fs/promises'
import { posix, resolve } from 'node:path'
import { anonymousVolume } from '../container/create.ts'
import { WherryError, errnoOf } from '../core/errors.ts'
import type { ContainerMount } from '../store/contract.ts'
import type { OptionTable } from './command.ts'
import type { Io } from './io.ts'

/** How a program's ids are mapped. */
export const isolationOption = {
  isolation: {
    kind: 'string',
    choices: ['auto', 'mapped', 'single', 'chroot'],
    help: 'How the program gets its user ids',
  },
} as const satisfies OptionTable

/** What a program in a container may be given. */
export const programOptions = {
  interactive: { kind: 'boolean', short: 'i', help: "Give the program wherry's standard input" },
  tty: { kind: 'boolean', short: 't', help: 'Give the program a terminal of its own' },
  env: {
    kind: 'list',
    short: 'e',
    value: 'KEY[=VALUE]',
    help: 'Set a variable; KEY alone takes it from the environment',
  },
  'env-file': { kind: 'list', value: 'FILE', help: 'Set the variables of a file, one KEY[=VALUE] a line' },
  user: { kind: 'string', short: 'u', value: 'USER[:GROUP]', help: 'Run as this user' },
  workdir: { kind: 'string', short: 'w', value: 'DIR', help: 'Run in this folder of the container' },
  volume: {
    kind: 'list',
    short: 'v',
    value: '[SOURCE:]TARGET[:ro]',
    help: 'Mount a folder of this machine, or a volume by name',
  },
  hostname: { kind: 'string', value: 'NAME', help: 'Host name that the program sees' },
  network: { kind: 'string', aliases: ['net'], choices: ['host', 'none'], help: 'Network (default host)' },
} as const satisfies OptionTable

/** Variables from files and options, the later ones last. @throws WherryError `usage` */
export async function variables(
  { env, 'env-file': files }: { readonly env: readonly string[]; readonly 'env-file': readonly string[] },
  io: Pick<Io, 'env' | 'cwd'>,
): Promise<string[]> {
  const lines: string[] = []
  for (const file of files) {
    for (const line of (await textOf(resolve(io.cwd, file))).split(/\r?\n/)) {
      const text = line.trimStart()
      if (text === '' || text.startsWith('#')) continue
      if (/\s/.test(text.split('=', 1)[0] ?? ''))
        throw new WherryError('usage', `--env-file ${file}: "${text}" has a space in the variable's name`)
      lines.push(text)
    }
  }
  return [...lines, ...env].flatMap((line) => {
    if (line.includes('=')) return [line]
    return io.env[line] === undefined ? [] : [`${line}=${io.env[line]}`]
  })
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new WherryError('usage', `--env-file: cannot read ${path} (${errnoOf(cause) ?? String(cause)})`, { cause })
  }
}

/**
 * Reads `-v [SOURCE:]TARGET[:OPTIONS]`: a path is a folder or file of this machine, a word a volume.
 * @throws WherryError `usage`
 */
export function parseVolume(text: string, { cwd }: Pick<Io, 'cwd'>): ContainerMount {
  const parts = text.split(':')
  const [first = '', second, options, ...more] = parts
  if (more.length > 0) throw badVolume(text)
  if (second === undefined) return anonymousVolume(targetOf(first, text))
  const readOnly = readOnlyOf(options, text)
  const target = targetOf(second, text)
  if (first.startsWith('/') || first.startsWith('.') || first.startsWith('~'))
    return { kind: 'bind', source: resolve(cwd, first), target, readOnly }
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(first)) throw badVolume(text)
  return { kind: 'volume', source: first, target, readOnly }
}

/** Options that change nothing here: labels are SELinux's, and nothing propagates out of a program's own namespace. */
const withoutEffect = ['rw', 'z', 'Z', 'rprivate', 'private', 'delegated', 'cached', 'consistent']

function readOnlyOf(options: string | undefined, text: string): boolean {
  const all = (options ?? 'rw').split(',')
  const odd = all.find((option) => option !== 'ro' && !withoutEffect.includes(option))
  if (odd === undefined) return all.includes('ro')
  throw new WherryError('usage', `--volume "${text}": the option "${odd}" is not possible`, { hint: 'Write ro or rw.' })
}

function targetOf(target: string, text: string): string {
  if (target.startsWith('/') && posix.normalize(target) !== '/') return target
  throw badVolume(text)
}

function badVolume(text: string): WherryError {
  return new WherryError('usage', `--volume "${text}" is not [SOURCE:]TARGET[:ro]`, {
    hint: 'The target is an absolute path in the container, below its root: -v "$PWD:/src", -v data:/var/lib/data.',
  })
}

/**
 * Checks `--publish`: programs have the network of this machine, so what they listen on is reached there.
 * @returns what to tell the user, if something is to be told
 * @throws WherryError `usage` for ports that would have to be changed on the way
 */
export function checkPublished(ports: readonly string[], network: 'host' | 'none'): string | undefined {
  for (const port of ports) {
    const [, address = '', outside = '', inside = ''] =
      /^(?:(.*):)?([\d-]*):([\d-]+)(?:\/(?:tcp|udp))?$/.exec(port) ?? []
    const isAnywhere = ['', '0.0.0.0', '[::]'].includes(address)
    if (inside !== '' && outside === inside && isAnywhere && network === 'host') continue
    throw new WherryError(
      'usage',
      `--publish ${port} is not possible: ${whyNot({ inside, outside, isAnywhere, network })}`,
      {
        hint: `The program has this machine's network and is reached at the port that it listens on: ${
          inside === '' ? 'leave --publish out' : `-p ${inside}:${inside}, or let it listen on another port or address`
        }.`,
      },
    )
  }
  if (ports.length === 0) return undefined
  return `note: the program has the network of this machine, so ${ports.join(', ')} ${ports.length === 1 ? 'is' : 'are'} reached as it is; ports below 1024 need \`sysctl net.ipv4.ip_unprivileged_port_start\``
}

function whyNot(port: { inside: string; outside: string; isAnywhere: boolean; network: string }): string {
  if (port.network === 'none') return 'with --network none nothing is reached'
  if (port.inside === '') return 'there is nobody who would choose a port'
  if (!port.isAnywhere) return 'the program itself chooses the address that it listens on'
  return 'nothing stands between the program and the network that could change the port'
}

/** Reads `--label KEY[=VALUE]`. */
export function parseLabels(labels: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    labels.map((label) => {
      const equals = label.indexOf('=')
      return equals < 0 ? [label, ''] : [label.slice(0, equals), label.slice(equals + 1)]
    }),
  )
}
