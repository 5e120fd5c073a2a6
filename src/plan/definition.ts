/** What a step is, inputs aside: the part of its id and of its cache keys that comes from the Dockerfile and the options. */
import type { CopyStep, RunStep, WorkdirStep } from './contract.ts'

/** A step with or without its id. */
type Defined = Omit<RunStep, 'id'> | Omit<CopyStep, 'id'> | Omit<WorkdirStep, 'id'>

/** The definition as data. Proxies, source positions and cache options are no part of it. */
export function definitionOf(step: Defined): object {
  switch (step.kind) {
    case 'run': {
      const { kind, args, env, cwd, user, network, script, epoch } = step
      return { kind, args, env, cwd, user, network, script, epoch }
    }
    case 'copy': {
      const { kind, sources, destination, chown, chmod, unpack, epoch } = step
      return { kind, sources, destination, chown, chmod, unpack, epoch }
    }
    case 'workdir': {
      const { kind, path, user, epoch } = step
      return { kind, path, user, epoch }
    }
  }
}
