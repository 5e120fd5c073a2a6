/** What a step is, inputs aside: the part of its id and of its cache keys that comes from the Dockerfile and the options. */
import { withoutCredentials } from '../dockerfile/git-ref.ts'
import type { CopyStepSource, RunMount, StepDraft } from './contract.ts'

/** The definition as data. Proxies, source positions and cache options are no part of it. */
export function definitionOf(step: StepDraft): object {
  switch (step.kind) {
    case 'run': {
      const { kind, args, env, cwd, user, network, script } = step
      const { cgroupParent: _where, ...settings } = step.settings
      return { kind, args, env, cwd, user, network, script, mounts: step.mounts.map(mountDefinition), settings }
    }
    case 'copy': {
      const { kind, destination, chown, chmod, unpack, parents, exclude } = step
      const sources = step.sources.map(sourceDefinition)
      const context = step.from.kind === 'context' ? step.from.name : undefined
      return { kind, sources, destination, chown, chmod, unpack, parents, exclude, context }
    }
    case 'workdir': {
      const { kind, path, user, epoch } = step
      return { kind, path, user, epoch }
    }
  }
}

/** The definition as it counts in cache keys: checksums do not, since sources are held to them before anything is looked up. */
export function cachedDefinitionOf(step: StepDraft): object {
  return definitionOf(step.kind === 'copy' ? { ...step, sources: step.sources.map(withoutChecksum) } : step)
}

function withoutChecksum(source: CopyStepSource): CopyStepSource {
  if (source.kind === 'git') return { ...source, git: { ...source.git, checksum: '' } }
  if (source.kind !== 'url') return source
  const { checksum: _checksum, ...rest } = source
  return rest
}

/** A repository is the same whoever asks for it. */
function sourceDefinition(source: CopyStepSource): object {
  if (source.kind !== 'git') return source
  return { kind: source.kind, ...source.git, remote: withoutCredentials(source.git.remote) }
}

/** A mount without the tree behind it, which counts as an input. */
function mountDefinition(mount: RunMount): object {
  switch (mount.type) {
    case 'bind': {
      const { tree: _tree, ...rest } = mount
      return rest
    }
    case 'cache': {
      const { seed: _seed, ...rest } = mount
      return rest
    }
    default:
      return mount
  }
}
