/** `--compat-volumes`: VOLUME as builders before BuildKit had it. What a RUN changes below a volume is dropped; COPY and ADD count. */
import type { Common } from '../dockerfile/instructions.ts'
import type { BindMount } from './contract.ts'
import { goList } from './history.ts'
import { type StageState, addHistory, addStep, joinPath } from './state.ts'

/** Makes the folder of a volume, owned by root, as those builders did, once per stage. */
export function makeVolume(state: StageState, written: string, { at, text }: Common): void {
  const path = joinPath('/', written)
  if (path === '/' || state.madeVolumes.has(path)) return
  state.madeVolumes.add(path)
  const { options, epoch } = state.context
  const id = addStep(state, {
    kind: 'workdir',
    input: state.tree,
    text,
    at,
    fresh: options.noCache,
    epoch,
    path,
    user: '',
  })
  addHistory(state, `VOLUME ${goList([written])}`, id)
}

/** A copy of every volume, the base's too, to lie over it while a RUN works: what is written there is dropped with it. */
export function volumeMounts(state: StageState, instruction: Common): BindMount[] {
  if (state.context.options.compatVolumes !== true) return []
  for (const path of state.collections.volumes) makeVolume(state, path, instruction)
  const paths = [...new Set([...state.collections.volumes].map((path) => joinPath('/', path)))].filter((p) => p !== '/')
  // Outer folders first, so that a volume in a volume is seen.
  return paths.sort().map((path) => ({ type: 'bind', tree: state.tree, source: path, target: path, readOnly: false }))
}
