/** What names mean: `--from` of COPY and of RUN --mount, and FROM, where named contexts come before images. */
import type { StageInstruction } from '../dockerfile/instructions.ts'
import type { SourceRange } from '../core/errors.ts'
import { checkBasePlatform } from './checks.ts'
import type { ContextRef, TreeRef } from './contract.ts'
import { type PlanContext, type StageState, registerStep } from './state.ts'

/**
 * The tree of an earlier stage, else of a named context, else of an image; files of a context are no tree.
 * @throws WherryError what `resolveBase` and `namedContext` throw
 */
export async function sourceNamed(
  state: StageState,
  name: string,
  instruction: StageInstruction,
): Promise<TreeRef | ContextRef> {
  const { context, index } = state
  const stage = context.stage(name, index)
  if (stage !== undefined) return (await stage).tree
  if (name === 'scratch') return scratch
  const { options } = context
  const platform = options.targetPlatform
  const named = await options.namedContext?.(name, platform)
  if (named?.kind === 'files') return { kind: 'context', name: named.name }
  if (named?.kind === 'scratch') return scratch
  if (named?.kind === 'stage') return sourceNamed(state, named.stage, instruction)
  const image = await (named?.load() ?? options.resolveBase(name, platform))
  if (named === undefined) checkBasePlatform(context, { name, image, platform }, instruction)
  return { kind: 'base', diffIds: image.layers.map((layer) => layer.diffId) }
}

const scratch: TreeRef = { kind: 'base', diffIds: [] }

/** Part of a context as a tree of its own: a copy step onto scratch, which keeps the path. */
export function contextTree(
  context: PlanContext,
  from: ContextRef,
  { source, at }: { readonly source: string; readonly at: SourceRange },
): TreeRef {
  const id = registerStep(context, {
    kind: 'copy',
    input: scratch,
    text: `[context${from.name === undefined ? '' : ` ${from.name}`}] ${source}`,
    at,
    fresh: false,
    from,
    sources: [{ kind: 'path', path: source }],
    destination: '/',
    unpack: 'none',
    parents: true,
    exclude: [],
  })
  return { kind: 'step', id }
}
