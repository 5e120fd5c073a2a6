/** The parameters of a build: which args, secrets and ssh sockets its target takes. */
import type { SourceRange } from '../core/errors.ts'
import type { ArgInstruction, Dockerfile } from '../dockerfile/instructions.ts'
import { givenArg } from './args.ts'
import type { Plan, PlannedStage } from './contract.ts'

export interface OutlineArg {
  readonly name: string
  /** '' if it has none. */
  readonly value: string
  readonly description: string
  readonly at: SourceRange
}

export interface OutlineSecret {
  readonly name: string
  readonly required: boolean
  readonly at: SourceRange
}

/** Everything that a build may be given; each list in the order of the Dockerfile's lines. */
export interface Outline {
  /** The target's name; '' if it has none. */
  readonly name: string
  readonly description: string
  readonly args: readonly OutlineArg[]
  readonly secrets: readonly OutlineSecret[]
  readonly ssh: readonly OutlineSecret[]
}

/** The outline of a plan. */
export function outlineOf(dockerfile: Dockerfile, plan: Plan, buildArgs: Readonly<Record<string, string>>): Outline {
  const { from } = dockerfile.stages[plan.targetStage]!
  return {
    name: from.name ?? '',
    description: describedBy(from.comments, from.name ?? ''),
    args: byLine(argsOf(dockerfile, plan, buildArgs)),
    secrets: byLine(mountsOf(plan, 'secret')),
    ssh: byLine(mountsOf(plan, 'ssh')),
  }
}

/** What a comment above a definition says of it: the rest of the first line that begins with its name. */
export function describedBy(comments: readonly string[], name: string): string {
  if (name === '') return ''
  return comments.find((comment) => comment.startsWith(`${name} `))?.slice(name.length + 1) ?? ''
}

function byLine<T extends { readonly at: SourceRange }>(items: readonly T[]): T[] {
  return [...items].sort((a, b) => a.at.startLine - b.at.startLine)
}

/** Args of the target's stage first: of two stages with an arg of one name, the one nearer to the target says what it is. */
function argsOf(dockerfile: Dockerfile, plan: Plan, buildArgs: Readonly<Record<string, string>>): OutlineArg[] {
  const found = new Map<string, OutlineArg>()
  const stages = new Map(plan.stages.map((stage) => [stage.index, stage]))
  const seen = new Set<number>()
  const ahead = [plan.targetStage]
  for (let index = ahead.pop(); index !== undefined; index = ahead.pop()) {
    const stage = stages.get(index)
    if (stage === undefined || seen.has(index)) continue
    seen.add(index)
    for (const arg of [...ownArgs(dockerfile, stage, { plan, buildArgs }), ...globalArgs(dockerfile, stage, plan)]) {
      if (!found.has(arg.name)) found.set(arg.name, arg)
    }
    ahead.push(...[...stage.uses].reverse())
  }
  return [...found.values()]
}

/** ARGs of a stage, save those that only hand on what was set before the first FROM. */
function ownArgs(
  dockerfile: Dockerfile,
  stage: PlannedStage,
  { plan, buildArgs }: { plan: Plan; buildArgs: Readonly<Record<string, string>> },
): OutlineArg[] {
  return declaredIn(dockerfile, stage).flatMap(({ key, value, instruction }) => {
    const isInherited = value === undefined && givenArg(buildArgs, key) === undefined && plan.globals.values.has(key)
    return isInherited ? [] : [argOf(key, stage.args.get(key), instruction)]
  })
}

/** ARGs before the first FROM that a stage's FROM or its ARGs take, and those that they are made of. */
function globalArgs(dockerfile: Dockerfile, stage: PlannedStage, { globals }: Plan): OutlineArg[] {
  const names = new Set<string>()
  const use = (name: string): void => {
    if (names.has(name)) return
    names.add(name)
    globals.args.get(name)?.uses.forEach(use)
  }
  stage.from.uses.forEach(use)
  for (const { key } of declaredIn(dockerfile, stage)) use(key)
  return [...names].flatMap((name) => {
    const arg = globals.args.get(name)
    return arg === undefined ? [] : [argOf(name, arg.value, arg)]
  })
}

interface Declared {
  readonly key: string
  readonly value?: string
  readonly instruction: ArgInstruction
}

/** The last ARG of each name in a stage. */
function declaredIn({ stages }: Dockerfile, { index }: PlannedStage): Declared[] {
  const all = stages[index]!.instructions.flatMap((instruction) =>
    instruction.kind === 'ARG' ? instruction.args.map((arg) => ({ ...arg, instruction })) : [],
  )
  return [...new Map(all.map((arg) => [arg.key, arg])).values()]
}

function argOf(
  name: string,
  value: string | undefined,
  { comments, at }: Pick<ArgInstruction, 'comments' | 'at'>,
): OutlineArg {
  return { name, value: value ?? '', description: describedBy(comments, name), at }
}

/** Each id once, where it is first asked for. */
function mountsOf(plan: Plan, type: 'secret' | 'ssh'): OutlineSecret[] {
  const found = new Map<string, OutlineSecret>()
  for (const step of plan.steps.values()) {
    for (const mount of step.kind === 'run' ? step.mounts : []) {
      if (mount.type !== type || found.has(mount.id)) continue
      found.set(mount.id, { name: mount.id, required: mount.required, at: step.at })
    }
  }
  return [...found.values()]
}
