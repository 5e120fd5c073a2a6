/** Options that say what every RUN is given: hosts, limits, shared memory; pure. */
import { isIP } from 'node:net'
import type { RunOptions } from '../build/contract.ts'
import { WherryError } from '../core/errors.ts'
import { parseByteSize } from '../dockerfile/byte-size.ts'

/** The entitlement to keep secrets in files on a disk while a step runs, where there is no memory for them. */
const secretsOnDisk = 'secrets.disk'

/** True if secrets may lie on a disk while a step has them. */
export function allowsSecretsOnDisk({ allow }: Pick<RunSettingOptions, 'allow'>): boolean {
  return allow.flatMap((value) => value.split(',')).includes(secretsOnDisk)
}

/** The options as they are given. */
export interface RunSettingOptions {
  readonly 'add-host': readonly string[]
  readonly 'shm-size': string | undefined
  readonly ulimit: readonly string[]
  readonly 'cgroup-parent': string | undefined
  readonly allow: readonly string[]
}

/** What they come to. @throws WherryError `usage` */
export function runSettings(options: RunSettingOptions): RunOptions {
  options.allow.flatMap((value) => value.split(',')).forEach(checkAllowed)
  const shm = options['shm-size']
  const shmSize = shm === undefined ? undefined : sizeOf(shm)
  const cgroupParent = options['cgroup-parent']
  return {
    extraHosts: options['add-host'].map(parseHost),
    ulimits: options.ulimit.map(parseUlimit),
    ...(shmSize !== undefined && { shmSize }),
    ...(cgroupParent !== undefined && { cgroupParent }),
  }
}

function sizeOf(text: string): number {
  const size = parseByteSize(text)
  if (size !== undefined && size > 0) return size
  throw new WherryError('usage', `--shm-size "${text}" is not a size`, { hint: 'Write 256m or 1g.' })
}

/** `HOST:IP` or `HOST=IP`; an IPv6 address may stand in brackets. */
function parseHost(text: string): readonly [string, string] {
  const match = /^([^=:]+)[=:](.+)$/.exec(text)
  const [, host = '', given = ''] = match ?? []
  const address = given.replace(/^\[(.*)\]$/, '$1')
  if (host !== '' && isIP(address) !== 0) return [host, address]
  const hint =
    given === 'host-gateway'
      ? 'RUN has the network of this machine: write HOST:127.0.0.1 for a service that runs on it.'
      : 'Write HOST:ADDRESS, db:10.0.0.5 for instance.'
  throw new WherryError(
    'usage',
    `--add-host "${text}": ${given === 'host-gateway' ? 'there is no gateway' : 'no address'}`,
    {
      hint,
    },
  )
}

const limits = 'core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(
  ' ',
)

/** `NAME=SOFT[:HARD]`; -1 is unlimited. */
function parseUlimit(text: string): RunOptions['ulimits'][number] {
  const [, name = '', softText = '', hardText = softText] = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(text) ?? []
  const [soft, hard] = [Number(softText), Number(hardText)]
  const isBelow = hard === -1 || (soft !== -1 && soft <= hard)
  if (limits.includes(name) && softText !== '' && soft >= -1 && hard >= -1 && isBelow) return { name, soft, hard }
  const why = !limits.includes(name) ? `"${name || text}" is no limit` : 'the soft limit is above the hard one'
  throw new WherryError(
    'usage',
    `--ulimit "${text}": ${softText === '' && name === '' ? 'it is not NAME=SOFT[:HARD]' : why}`,
    {
      hint: `Write --ulimit nofile=1024:4096. Limits: ${limits.join(', ')}.`,
    },
  )
}

function checkAllowed(entitlement: string): void {
  if (entitlement === 'network.host' || entitlement === secretsOnDisk) return
  const known = entitlement === 'security.insecure' || entitlement.startsWith('device')
  throw new WherryError('usage', `--allow ${entitlement} is not possible`, {
    hint: known
      ? 'wherry never has the privileges that this would pass on; network.host is always allowed.'
      : `Entitlements here are network.host, which is always allowed, and ${secretsOnDisk}.`,
  })
}
