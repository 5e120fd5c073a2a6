/** Random Dockerfiles, for seconds; fuzz.full.test.ts does it for minutes. */
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { checkPlan, planOf, randomTrial } from './random-plan.ts'

describe('a random Dockerfile', () => {
  it('is planned or refused with an error of wherry', async () => {
    await fc.assert(
      fc.asyncProperty(randomTrial, async (trial) => {
        const plan = await planOf(trial)
        if (plan !== undefined) checkPlan(plan)
      }),
      { numRuns: 500, interruptAfterTimeLimit: 20_000 },
    )
  }, 40_000)
})
