/** Variable expansion with a stage's variables, errors pointing at the instruction. */
import { withRange } from '../core/errors.ts'
import { type Expanded, expandHeredoc, expandWord, expandWords } from '../dockerfile/expand.ts'
import type { Common } from '../dockerfile/instructions.ts'
import { checkUnset } from './checks.ts'
import type { StageState } from './state.ts'
import { noteUse } from './uses.ts'

/** Expands one word of an instruction. @throws WherryError with the instruction's range */
export function expand(state: StageState, word: string, instruction: Common): string {
  return checked(state, instruction, () =>
    expandWord(word, lookup(state, instruction), { escape: state.context.escape }),
  )
}

/** Expands and splits into words, as EXPOSE has it. */
export function expandToWords(state: StageState, word: string, instruction: Common): string[] {
  return located(instruction, () => expandWords(word, lookup(state, instruction), { escape: state.context.escape }))
}

/** Expands a heredoc body: variables only, quotes stay. */
export function expandBody(state: StageState, body: string, instruction: Common): string {
  return checked(state, instruction, () => expandHeredoc(body, lookup(state, instruction)))
}

function checked(state: StageState, instruction: Common, work: () => Expanded): string {
  const { value, unmatched } = located(instruction, work)
  state.context.budget.charge(value.length)
  checkUnset(state, unmatched, instruction)
  return value
}

function lookup(state: StageState, instruction: Common): (name: string) => string | undefined {
  return (name) => {
    noteUse(state.context, name, instruction)
    return state.env.get(name)
  }
}

function located<T>(instruction: Common, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw withRange(error, instruction.at)
  }
}
