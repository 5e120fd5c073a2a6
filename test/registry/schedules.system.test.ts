/** Pushes to a real registry while everything goes wrong that can: ten seeded schedules. `schedules.full.test.ts` has two hundred. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FaultBench, boundMs, startFaultBench } from '../support/fault-trial.ts'
import { lacks, missingTools } from '../support/need.ts'

describe.skipIf(lacks('tools', missingTools('docker-registry')))('a push under faults', () => {
  let bench: FaultBench
  beforeAll(async () => {
    bench = await startFaultBench()
  })
  afterAll(() => bench.stop())

  test.each(Array.from({ length: 10 }, (_, i) => i + 1))(
    'ends with the right image or a clear error, in time: seed %d',
    async (seed) => {
      const trial = await bench.wherry(seed)
      expect(trial.outcome, `${trial.faults.join(', ')}: ${trial.words}`).not.toBe('wrong')
      expect(trial.ms).toBeLessThan(boundMs)
    },
  )
})
