/** Random Dockerfiles for minutes (WHERRY_FUZZ_MINUTES, 10 if not set): nothing but errors of wherry, no hang, time by length. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hardDockerfiles } from './hard-inputs.ts'
import { checkPlan, planOf, randomTrial } from '../plan/random-plan.ts'
import { spentMs } from '../plan/spent.ts'

const minutes = Number(process.env['WHERRY_FUZZ_MINUTES'] ?? '10')

describe('random Dockerfiles', () => {
  it(
    `are planned or refused, for ${minutes} minutes`,
    async () => {
      const counts = { all: 0, planned: 0, slowest: 0 }
      await fc.assert(
        fc.asyncProperty(randomTrial, async (trial) => {
          const spent = await spentMs(async () => {
            const plan = await planOf(trial)
            if (plan !== undefined) checkPlan(plan)
            counts.planned += plan === undefined ? 0 : 1
          })
          counts.all++
          counts.slowest = Math.max(counts.slowest, spent)
          expect(spent).toBeLessThan(1000)
        }),
        { numRuns: 1e9, interruptAfterTimeLimit: minutes * 60_000, markInterruptAsFailure: false },
      )
      process.stderr.write(
        `${counts.all} Dockerfiles, ${counts.planned} planned, ${Math.round(counts.slowest)} ms at most\n`,
      )
      expect(counts.planned).toBeGreaterThan(counts.all / 50)
    },
    (minutes + 1) * 60_000,
  )
})

describe('hard Dockerfiles of 400 KB take a second per 100 KB at most:', () => {
  it.each(Object.entries(hardDockerfiles))('%s', async (_name, make) => {
    const text = make(400_000)
    const spent = await spentMs(() => planOf({ text, triggers: [], buildArgs: {}, target: undefined }))
    expect(spent).toBeLessThan(text.length / 100)
  })
})
