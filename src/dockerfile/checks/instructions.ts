/** Checks of single instructions: how FROM is written, MAINTAINER, and the comments that describe stages and args. */
import type { ArgInstruction, FromInstruction, Instruction } from '../instructions.ts'
import type { Checks } from './checks.ts'

/** Checks instructions as they stand in the text. */
export function checkInstructions(instructions: readonly Instruction[], checks: Checks): void {
  for (const instruction of instructions) {
    if (instruction.kind === 'MAINTAINER') {
      const message = 'Maintainer instruction is deprecated in favor of using label'
      checks.report({ rule: 'MaintainerDeprecated', message, at: instruction.at }, instruction.comments)
    } else if (instruction.kind === 'FROM') checkFrom(instruction, checks)
    else if (instruction.kind === 'ARG') checkDescription(instruction, checks)
  }
}

function checkFrom(from: FromInstruction, checks: Checks): void {
  const { written, keyword, comments, at } = from
  if (written === undefined) return
  if (written.name !== written.name.toLowerCase()) {
    const message = `Stage name '${written.name}' should be lowercase`
    checks.report({ rule: 'StageNameCasing', message, at }, comments)
  }
  if (!agrees(keyword, written.as)) {
    const message = `'${written.as}' and '${keyword}' keywords' casing do not match`
    checks.report({ rule: 'FromAsCasing', message, at }, comments)
  }
  checkDescription(from, checks)
}

/** A FROM in mixed case is the matter of another check. */
function agrees(from: string, as: string): boolean {
  if (from === from.toLowerCase()) return as === as.toLowerCase()
  return from !== from.toUpperCase() || as === as.toUpperCase()
}

function checkDescription(instruction: FromInstruction | ArgInstruction, checks: Checks): void {
  const { kind, comments, at } = instruction
  const names = kind === 'ARG' ? instruction.args.map((arg) => arg.key) : [instruction.name ?? '']
  const comment = comments.at(-1)
  if (comment === undefined || names.includes(comment.split(' ', 1)[0]!)) return
  const example = names.length > 1 ? '<arg_key>' : names[0]!
  const message = `Comment for ${kind} should follow the format: \`# ${example} <description>\``
  checks.report({ rule: 'InvalidDefinitionDescription', message, at }, comments)
}
