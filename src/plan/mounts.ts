/** RUN --mount: what each value asks for, with the defaults of its type. */
import { posix } from 'node:path'
import { goClean } from '../dockerfile/go-path.ts'
import { WherryError } from '../core/errors.ts'
import type { RunInstruction } from '../dockerfile/instructions.ts'
import { type MountSpec, parseRunMount } from '../dockerfile/run-mount.ts'
import { givenArg } from './args.ts'
import type { RunMount, TreeRef } from './contract.ts'
import { expand } from './expand.ts'
import { canBeSecret } from './secret-names.ts'
import { contextTree, sourceNamed } from './source-tree.ts'
import { type StageState, joinPath, workdirOf } from './state.ts'

/** A RUN's mounts, and where the first ssh socket is. */
export interface LoweredMounts {
  readonly mounts: readonly RunMount[]
  readonly sshSocket?: string
}

/**
 * Lowers the mounts of a RUN. Files of the build context become a tree by a copy step of their own.
 * @throws WherryError `dockerfile-syntax`, `dockerfile-invalid`
 */
export async function lowerMounts(state: StageState, instruction: RunInstruction): Promise<LoweredMounts> {
  const specs = instruction.mounts.map((text) => parseRunMount(text, (word) => expand(state, word, instruction)))
  const mounts: RunMount[] = []
  let sockets = 0
  for (const spec of specs) {
    const place: Place = { state, instruction, socket: sockets }
    mounts.push(await lowerMount(spec, place))
    if (spec.type === 'ssh') sockets++
  }
  return { mounts, sshSocket: mounts.find((mount) => mount.type === 'ssh')?.target }
}

interface Place {
  readonly state: StageState
  readonly instruction: RunInstruction
  /** Number of ssh mounts before this one. */
  readonly socket: number
}

async function lowerMount(spec: MountSpec, place: Place): Promise<RunMount> {
  const { type, readOnly, required, uid = 0, gid = 0 } = spec
  switch (type) {
    case 'bind': {
      const source = joinPath('/', spec.source)
      const tree = await treeOf(spec.from, source, place)
      return { type, tree, source, target: targetOf(spec, place), readOnly }
    }
    case 'cache':
      return lowerCache(spec, place)
    case 'tmpfs':
      return { type, target: targetOf(spec, place), ...(spec.size > 0 && { size: spec.size }) }
    case 'secret':
      return lowerSecret(spec, place)
    case 'ssh': {
      const target = spec.target === '' ? `/run/buildkit/ssh_agent.${place.socket}` : joinPath('/', spec.target)
      return { type, id: spec.id === '' ? 'default' : spec.id, target, required, mode: spec.mode ?? 0o600, uid, gid }
    }
  }
}

/** The tree that `from` names; without it, or where it names files, that part of the context on its own. */
async function treeOf(from: string, source: string, { state, instruction }: Place): Promise<TreeRef> {
  const found = from === '' ? ({ kind: 'context' } as const) : await sourceNamed(state, from, instruction)
  return found.kind === 'context' ? contextTree(state.context, found, { source, at: instruction.at }) : found
}

async function lowerCache(spec: MountSpec, place: Place): Promise<RunMount> {
  const { state } = place
  const namespace = givenArg(state.context.options.buildArgs, 'BUILDKIT_CACHE_MOUNT_NS') ?? ''
  const target = targetOf(spec, place)
  const { sharing = 'shared', readOnly, mode = 0o755, uid = 0, gid = 0 } = spec
  const id = `${namespace}/${spec.id === '' ? goClean(spec.target) : spec.id}`
  const source = joinPath('/', spec.source)
  const seed = spec.from === '' ? undefined : await treeOf(spec.from, source, place)
  return { type: 'cache', id, target, sharing, readOnly, source, mode, uid, gid, ...(seed && { seed }) }
}

function lowerSecret(spec: MountSpec, { instruction }: Place): RunMount {
  if (spec.env !== undefined && !canBeSecret(spec.env)) {
    throw new WherryError('dockerfile-invalid', `a secret cannot be the variable ${JSON.stringify(spec.env)}`, {
      at: instruction.at,
      hint: 'Choose a name of letters, digits and _ that no shell or loader uses, or mount the secret as a file.',
    })
  }
  const id = spec.source || spec.id || posix.basename(spec.target)
  const named = spec.target === '' ? undefined : joinPath('/', spec.target)
  const target = named ?? (spec.env === undefined ? `/run/secrets/${posix.basename(id)}` : undefined)
  const { env, required, mode = 0o400, uid = 0, gid = 0 } = spec
  return { type: 'secret', id, required, mode, uid, gid, ...(target !== undefined && { target }), ...(env && { env }) }
}

function targetOf(spec: MountSpec, { state, instruction }: Place): string {
  const target = joinPath(workdirOf(state), spec.target)
  if (target !== '/') return target
  throw new WherryError('dockerfile-invalid', `invalid mount target "${target}"`, {
    at: instruction.at,
    hint: 'Name a folder below the root: target=/src.',
  })
}
