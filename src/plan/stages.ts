/** A Dockerfile's stages as a whole: what each is built on, which of them the others name, and what is wrong with that. */
import { type SourceRange, WherryError, withRange } from '../core/errors.ts'
import { csvFields } from '../dockerfile/csv.ts'
import type { Dockerfile, Stage, StageInstruction } from '../dockerfile/instructions.ts'
import type { NamedContext } from './contract.ts'
import { type FromContext, type ResolvedFrom, resolveFroms } from './froms.ts'

/** FROM with its variables replaced. */
export interface StageHead extends ResolvedFrom {
  /** The stage that it is built on: the latest one above that has the name. */
  readonly parent?: number
  /** The named context that has taken the stage's name. */
  readonly replacement?: NamedContext
}

/**
 * Reads all FROMs, those of stages that the target does not need too.
 * @throws WherryError `dockerfile-invalid`, `dockerfile-syntax`, `not-implemented` for Windows; with the FROM's range
 */
export function stageHeads(dockerfile: Dockerfile, context: FromContext): StageHead[] {
  const above = new Map<string, number>()
  return resolveFroms(dockerfile, context).map((head, index) => {
    const parent = above.get(head.base.toLowerCase())
    const { name } = dockerfile.stages[index]!.from
    if (name !== undefined) above.set(name, index)
    return { ...head, ...(parent !== undefined && { parent }) }
  })
}

function located<T>(at: SourceRange, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw withRange(error, at)
  }
}

/**
 * The index of the stage to build: the last one without a name, else the last one of that name, else that number.
 * @throws WherryError `dockerfile-invalid`
 */
export function findTarget({ stages }: Dockerfile, target: string | undefined): number {
  if (stages.length === 0)
    throw new WherryError('dockerfile-invalid', 'the Dockerfile has no FROM', { hint: 'Begin with FROM <image>.' })
  if (target === undefined || target === '') return stages.length - 1
  const named = stages.findLastIndex((s) => s.from.name === target.toLowerCase())
  const index = named >= 0 ? named : /^\d+$/.test(target) ? Number(target) : -1
  if (stages[index] !== undefined) return index
  const names = stages.flatMap((s) => s.from.name ?? [])
  throw new WherryError('dockerfile-invalid', `target stage "${target}" could not be found`, {
    hint:
      names.length > 0
        ? `The stages are ${names.join(', ')}.`
        : 'No stage of the Dockerfile has a name (FROM … AS name).',
  })
}

/**
 * The stage that a `from` names, by number, or by name: the last one of that name, wherever it stands. Undefined means an image.
 * @throws WherryError `dockerfile-invalid` for a number that no stage has
 */
export function stageNamed(dockerfile: Dockerfile, name: string): number | undefined {
  const { stages } = dockerfile
  if (/^[+-]?\d+$/.test(name)) {
    const index = Number(name)
    if (stages[index] !== undefined) return index
    throw new WherryError('dockerfile-invalid', `invalid stage index ${index}`, {
      hint: `Stages count from 0; there are ${stages.length}.`,
    })
  }
  return lastNamed(dockerfile).get(name.toLowerCase())
}

const namesOf = new WeakMap<Dockerfile, ReadonlyMap<string, number>>()

/** By name, the last stage that has it. */
function lastNamed(dockerfile: Dockerfile): ReadonlyMap<string, number> {
  const known = namesOf.get(dockerfile)
  if (known !== undefined) return known
  const names = new Map(
    dockerfile.stages.flatMap(({ from, index }) => (from.name === undefined ? [] : [[from.name, index] as const])),
  )
  namesOf.set(dockerfile, names)
  return names
}

/** A stage as messages call it: by name, or by number. */
export function stageLabel(stage: Stage): string {
  return stage.from.name ?? `stage-${stage.index}`
}

/**
 * As `stageNamed`, for a stage whose files stage number `current` takes.
 * @throws WherryError `dockerfile-invalid` also if it does not stand above
 */
export function earlierStage(dockerfile: Dockerfile, name: string, current: number): number | undefined {
  const index = stageNamed(dockerfile, name)
  if (index === undefined || index < current) return index
  const here = stageLabel(dockerfile.stages[current]!)
  throw new WherryError(
    'dockerfile-invalid',
    `cannot copy from stage "${name}", it needs to be defined before current stage "${here}"`,
    { hint: 'A stage can only take files of stages above it; of several stages with one name, the last one counts.' },
  )
}

/**
 * Checks whom the stages take files from, also of stages that the target does not need.
 * @throws WherryError `dockerfile-invalid` for numbers that no stage has, and for circles; with the instruction's range
 */
export function checkStageUses(dockerfile: Dockerfile): void {
  const uses = dockerfile.stages.map((stage) => stage.instructions.flatMap((i) => usesOf(dockerfile, i)))
  const done = new Set<number>()
  for (const { index } of dockerfile.stages) followUses(dockerfile, uses, { index, done })
}

/** Follows the uses from one stage on, depth first; not by recursion, as there may be thousands. */
function followUses(
  dockerfile: Dockerfile,
  uses: readonly (readonly Use[])[],
  { index, done }: { readonly index: number; readonly done: Set<number> },
): void {
  const path = new Map([[index, 0]])
  const open = [index]
  for (let current = open.at(-1); current !== undefined; current = open.at(-1)) {
    const next = path.get(current)!
    const use = done.has(current) ? undefined : uses[current]![next]
    if (use === undefined) {
      done.add(current)
      path.delete(current)
      open.pop()
      continue
    }
    path.set(current, next + 1)
    if (path.has(use.stage)) {
      // The one that it began with, as in BuildKit, though it may only lead to the circle.
      const label = stageLabel(dockerfile.stages[index]!)
      const message = `circular dependency detected on stage: ${label}`
      throw new WherryError('dockerfile-invalid', message, { at: use.at })
    }
    path.set(use.stage, 0)
    open.push(use.stage)
  }
}

interface Use {
  readonly stage: number
  readonly at: SourceRange
}

function usesOf(dockerfile: Dockerfile, instruction: StageInstruction): Use[] {
  const { at } = instruction
  const names =
    instruction.kind === 'COPY' && instruction.from !== undefined
      ? [instruction.from]
      : instruction.kind === 'RUN'
        ? instruction.mounts.flatMap(mountFrom)
        : []
  return names.flatMap((name) => {
    const stage = located(at, () => stageNamed(dockerfile, name))
    return stage === undefined ? [] : [{ stage, at }]
  })
}

/** `from` of a mount, unless it is a number, which names an image there. */
function mountFrom(mount: string): string[] {
  const from = csvFields(mount).findLast((field) => /^from=/i.test(field))
  return from === undefined || /^from=[+-]?\d+$/i.test(from) ? [] : [from.slice('from='.length)]
}
