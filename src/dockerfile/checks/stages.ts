/** Checks that look at all stages together: their names, and the case of instructions. */
import type { Common, Stage } from '../instructions.ts'
import type { Checks } from './checks.ts'

const reserved: ReadonlySet<string> = new Set(['context', 'scratch'])

/** Stage names that stand for something else, or for two stages. */
export function checkStageNames(stages: readonly Stage[], checks: Checks): void {
  const seen = new Set<string>()
  for (const { from } of stages) {
    const { name, at } = from
    if (name === undefined) continue
    if (reserved.has(name)) {
      const message = `Stage name should not use the same name as reserved stage "${name}"`
      checks.report({ rule: 'ReservedStageName', message, at })
    }
    if (seen.has(name)) {
      const message = `Duplicate stage name "${name}", stage names should be unique`
      checks.report({ rule: 'DuplicateStageName', message, at })
    }
    seen.add(name)
  }
}

/** Instructions should be in the case of most of them; upper case wins a draw. ARGs before the first FROM do not count. */
export function checkCasing(stages: readonly Stage[], checks: Checks): void {
  const all: readonly Common[] = stages.flatMap((stage) => [stage.from, ...stage.instructions])
  const isLower = ({ keyword }: Common): boolean => keyword === keyword.toLowerCase()
  const isUpper = ({ keyword }: Common): boolean => keyword === keyword.toUpperCase()
  const lowerWins = all.filter(isLower).length > all.filter((one) => isUpper(one) && !isLower(one)).length
  for (const instruction of all) {
    if (lowerWins ? isLower(instruction) : isUpper(instruction)) continue
    const wanted = lowerWins ? 'lowercase' : 'uppercase'
    const message = `Command '${instruction.keyword}' should match the case of the command majority (${wanted})`
    checks.report({ rule: 'ConsistentInstructionCasing', message, at: instruction.at })
  }
}
