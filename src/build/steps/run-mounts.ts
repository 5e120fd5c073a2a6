/** A RUN's mounts for trees/: stacks unpacked, secrets and sockets at hand. */
import { isUtf8 } from 'node:buffer'
import { WherryError } from '../../core/errors.ts'
import type { CacheMount, RunStep, SecretMount, SshMount } from '../../plan/contract.ts'
import type { TreeMount } from '../../trees/contract.ts'
import type { Session } from '../engine.ts'
import { materialize } from '../materialize.ts'
import { cacheIdOf } from './cache-id.ts'
import type { MountStack } from './mounts.ts'

/** What a step's mounts come to. */
export interface ReadyMounts {
  readonly mounts: readonly TreeMount[]
  /** `NAME=value` of secrets that are variables. */
  readonly secretEnv: readonly string[]
}

/**
 * Makes a step's mounts ready. `stacks` has the tree of each.
 * @throws WherryError `run-failed` for a required secret or agent that the build was not given, and what unpacking throws
 */
export async function readyMounts(
  { mounts, fresh }: Pick<RunStep, 'mounts' | 'fresh'>,
  stacks: readonly MountStack[],
  session: Session,
): Promise<ReadyMounts> {
  const ready: TreeMount[] = []
  const secretEnv: string[] = []
  for (const [i, mount] of mounts.entries()) {
    switch (mount.type) {
      case 'bind': {
        const { source, target, readOnly } = mount
        ready.push({ kind: 'stack', layers: await materialize(session, stacks[i] ?? []), source, target, readOnly })
        break
      }
      case 'cache':
        ready.push(await cacheMount(mount, { stack: stacks[i], fresh }, session))
        break
      case 'tmpfs': {
        const { target, size } = mount
        ready.push({ kind: 'tmpfs', target, ...(size !== undefined && { size }) })
        break
      }
      case 'secret': {
        const secret = await secretOf(mount, session)
        if (secret === undefined) break
        if (mount.env !== undefined) secretEnv.push(`${mount.env}=${variableText(mount.id, secret)}`)
        const { target, mode, uid, gid } = mount
        if (target !== undefined)
          ready.push({ kind: 'file', target, content: secret.toString('base64'), mode, uid, gid })
        break
      }
      case 'ssh':
        ready.push(...(await sshMount(mount, session)))
    }
  }
  return { mounts: ready, secretEnv }
}

async function cacheMount(
  mount: CacheMount,
  { stack, fresh }: { stack: MountStack; fresh: boolean },
  session: Session,
): Promise<TreeMount> {
  const { sharing, source, target, readOnly, mode, uid, gid } = mount
  const id = await cacheIdOf(mount, { stack, fresh }, session.inputs.caches)
  await session.beginMount?.(mount, { ownId: id, fresh })
  const seed = stack === undefined ? {} : { seed: await materialize(session, stack) }
  return { kind: 'cache', id, sharing, source, target, readOnly, mode, uid, gid, ...seed }
}

async function secretOf(mount: SecretMount, { inputs }: Session): Promise<Buffer | undefined> {
  const value = await inputs.secrets.get(mount.id)
  if (value !== undefined || !mount.required) return value
  throw new WherryError('run-failed', `secret ${mount.id}: not found`, {
    hint: `The step asks for it with required: give --secret id=${mount.id},src=FILE, or env=VARIABLE that is set.`,
  })
}

/** The kernel's limit (MAX_ARG_STRLEN, 128 KiB) less the longest name. */
const maxVariable = 130_000

/** The value of a variable: no bytes that an environment, or Node's way to it, cannot hold. */
function variableText(id: string, secret: Buffer): string {
  if (isUtf8(secret) && !secret.includes(0) && secret.length <= maxVariable) return secret.toString('utf8')
  throw new WherryError(
    'usage',
    `the secret ${id} cannot be a variable: ${secret.length > maxVariable ? 'it is too long' : 'it is not text'}`,
    {
      hint: 'Mount it as a file: leave out env=, or add target=PATH.',
    },
  )
}

async function sshMount(mount: SshMount, { inputs }: Session): Promise<TreeMount[]> {
  const path = await inputs.ssh.socket(mount.id)
  const { target, mode, uid, gid } = mount
  if (path !== undefined) return [{ kind: 'socket', target, path, mode, uid, gid }]
  if (!mount.required) return []
  throw new WherryError('run-failed', `no ssh agent ${mount.id} is forwarded to the build`, {
    hint: `The step asks for it with required: give --ssh ${mount.id}, or --ssh ${mount.id}=KEYFILE.`,
  })
}
