/** Trees that are named: what `--from` of COPY and of RUN --mount means. */
import type { StageInstruction } from '../dockerfile/instructions.ts'
import { checkBasePlatform } from './checks.ts'
import type { TreeRef } from './contract.ts'
import type { StageState } from './state.ts'

/** The tree of an earlier stage, else of an image. @throws WherryError what `resolveBase` throws */
export async function treeNamed(state: StageState, name: string, instruction: StageInstruction): Promise<TreeRef> {
  const stage = state.context.stage(name, state.index)
  if (stage !== undefined) return (await stage).tree
  if (name === 'scratch') return { kind: 'base', diffIds: [] }
  const { options } = state.context
  const platform = options.targetPlatform
  const image = await options.resolveBase(name, platform)
  checkBasePlatform(state.context, { name, image, platform }, instruction)
  return { kind: 'base', diffIds: image.layers.map((layer) => layer.diffId) }
}
