/** Parses and lowers a random Dockerfile, and says how that must end. */
import fc from 'fast-check'
import { WherryError } from '../../src/core/errors.ts'
import { parseDockerfile } from '../../src/dockerfile/parse.ts'
import { type Plan } from '../../src/plan/contract.ts'
import { lower } from '../../src/plan/lower.ts'
import { randomArgs, randomDockerfile, randomTrigger } from '../dockerfile/random-dockerfile.ts'
import { amd64, baseImage } from './planned.ts'

/** A Dockerfile and what it is built with. */
export interface Trial {
  readonly text: string
  readonly triggers: readonly string[]
  readonly buildArgs: Record<string, string>
  readonly target: string | undefined
}

export const randomTrial: fc.Arbitrary<Trial> = fc.record({
  text: randomDockerfile,
  triggers: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(randomTrigger, { maxLength: 2 })),
  buildArgs: randomArgs,
  target: fc.option(fc.constantFrom('a', 'base', '0', '9', 'S1'), { nil: undefined, freq: 4 }),
})

/**
 * The plan, or undefined if the Dockerfile is refused.
 * @throws anything that is no error of wherry, and its `internal` ones
 */
export async function planOf({ text, triggers, buildArgs, target }: Trial): Promise<Plan | undefined> {
  try {
    const dockerfile = parseDockerfile(text, { file: 'Dockerfile' })
    return await lower(dockerfile, {
      buildArgs,
      labels: {},
      buildPlatform: amd64,
      targetPlatform: amd64,
      network: 'host',
      noCache: false,
      ...(target !== undefined && { target }),
      resolveBase: (name) => Promise.resolve(baseImage(name, { OnBuild: triggers, Env: ['X=base', 'PATH=/bin'] })),
    })
  } catch (error) {
    if (error instanceof WherryError && error.code !== 'internal') return undefined
    throw error
  }
}

/** What must hold of every plan. @throws Error if it does not */
export function checkPlan({ steps, target, lines }: Plan): void {
  for (const id of steps.keys()) if (steps.get(id)?.id !== id) throw new Error(`step ${id} has another id`)
  const unknown = target.history.filter(({ step }) => step !== undefined && !steps.has(step))
  if (unknown.length > 0) throw new Error(`history of steps that are not there: ${JSON.stringify(unknown)}`)
  if (lines.some(({ ordinal }, i) => ordinal !== i + 1)) throw new Error('lines out of order')
  JSON.stringify(target.config.raw)
}
