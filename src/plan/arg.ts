/** ARG inside a stage: the build arg, else the stage's default, else the value from before FROM. */
import type { ArgInstruction } from '../dockerfile/instructions.ts'
import { givenArg, scanArgs } from './args.ts'
import { checkSecretName } from './checks.ts'
import { expand } from './expand.ts'
import { type StageState, addHistory, setArg, setVariable } from './state.ts'

/** Declares the args of an ARG instruction in a stage. */
export function applyArg(state: StageState, instruction: ArgInstruction): void {
  const words = instruction.args.map(({ key, value }) => {
    state.context.consumed.add(key)
    checkSecretName(state, key, instruction)
    const given = givenArg(state.context.options.buildArgs, key)
    const own = value === undefined ? undefined : expandDefault(state, instruction, { value, given })
    const taken = given ?? own ?? state.context.globals.get(key)
    if (taken !== undefined && !scanArgs.includes(key)) setVariable(state, key, taken)
    setArg(state, key, taken)
    return taken === undefined ? key : `${key}=${taken}`
  })
  addHistory(state, `ARG ${words.join(' ')}`)
}

/** A default that a build arg overrides is not expanded: it may use what is not set. */
function expandDefault(
  state: StageState,
  instruction: ArgInstruction,
  { value, given }: { value: string; given: string | undefined },
): string | undefined {
  return given === undefined ? expand(state, value, instruction) : undefined
}
