/** ARGs before the first FROM: their values, and what each was made of. */
import { type SourceRange, withRange } from '../core/errors.ts'
import { type Expanded, expandWord } from '../dockerfile/expand.ts'
import type { ArgInstruction, Dockerfile } from '../dockerfile/instructions.ts'
import { givenArg } from './args.ts'
import { newBudget } from './budget.ts'

/** An ARG before FROM, as the last instruction that names it leaves it. */
export interface GlobalArg {
  readonly name: string
  readonly value?: string
  /** ARGs that its value was made of. */
  readonly uses: ReadonlySet<string>
  readonly at: SourceRange
  readonly comments: readonly string[]
}

/** All of them. */
export interface Globals {
  /** Those that have a value, the predefined ones included. */
  readonly values: ReadonlyMap<string, string>
  readonly args: ReadonlyMap<string, GlobalArg>
}

/**
 * Evaluates the ARGs before FROM on top of the predefined ones.
 * @throws WherryError `dockerfile-syntax` with its range
 */
export function evaluateGlobals(
  { globalArgs, escape }: Pick<Dockerfile, 'globalArgs' | 'escape'>,
  predefined: ReadonlyMap<string, string>,
  buildArgs: Readonly<Record<string, string>>,
): Globals {
  const values = new Map(predefined)
  const args = new Map<string, GlobalArg>()
  const budget = newBudget()
  for (const instruction of globalArgs) {
    const { at, comments } = instruction
    for (const { key: name, value: written } of instruction.args) {
      const given = givenArg(buildArgs, name)
      const own = given === undefined && written !== undefined ? expand(written, instruction) : undefined
      const value = given ?? own?.value
      if (value !== undefined) values.set(name, value)
      budget.charge(own?.value.length ?? 0)
      args.set(name, { name, value, uses: usesOf(name, own), at, comments })
    }
  }
  return { values, args }

  function expand(word: string, instruction: ArgInstruction): Expanded {
    try {
      return expandWord(word, (key) => values.get(key), { escape })
    } catch (error) {
      throw withRange(error, instruction.at)
    }
  }

  /** `ARG a=${a}1` builds on what a was made of before. */
  function usesOf(name: string, expanded: Expanded | undefined): Set<string> {
    const uses = new Set(expanded?.matched)
    if (!uses.delete(name)) return uses
    for (const earlier of args.get(name)?.uses ?? []) uses.add(earlier)
    return uses
  }
}
