/** The config as it is after each instruction, for the images of steps. */
import { isJsonObject } from '../core/json.ts'
import type { StageInstruction } from '../dockerfile/instructions.ts'
import { sizeOf, withCollections } from './collections.ts'
import type { StageState } from './state.ts'

/** How many entries of lists and maps a plan keeps in all: far more than any Dockerfile that people write comes to. */
export const runtimeLimit = 200_000

/** Instructions that leave the config as it is. */
const sameAfter: readonly string[] = ['RUN', 'COPY', 'ADD', 'ARG']

/** Notes the config at the history entries that an instruction, or an option before it, has made: `before` is how many there were. */
export function noteRuntime(state: StageState, before: number, { kind }: Pick<StageInstruction, 'kind'>): void {
  const { history } = state
  if (history.length === before) return
  const isSame = state.runtime !== undefined && sameAfter.includes(kind)
  const runtime = isSame ? state.runtime : currentRuntime(state)
  state.runtime = runtime
  if (runtime === undefined) return
  for (let i = history.length - 1; i >= 0 && history[i]!.runtime === undefined; i--) {
    history[i] = { ...history[i]!, runtime }
  }
}

function currentRuntime({ context, config, collections }: StageState): StageState['runtime'] {
  context.runtimesLeft -= sizeOf(collections) + 1
  if (context.runtimesLeft < 0) return undefined
  const { env, onBuild } = collections
  // The stage goes on to change its lists.
  const { raw } = withCollections(config, { ...collections, env: [...env], onBuild: [...onBuild] })
  return isJsonObject(raw['config']) ? raw['config'] : {}
}
