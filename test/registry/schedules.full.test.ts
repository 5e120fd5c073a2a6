/** Two hundred seeded schedules of faults between a push and a real registry, and the same ones for skopeo. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FaultBench, type Trial, boundMs, startFaultBench } from '../support/fault-trial.ts'
import { lacks, missingTools } from '../support/need.ts'

const seeds = Array.from({ length: 200 }, (_, i) => i + 1)

/** Trials whose memory is compared, at the begin and at the end. */
const window = 30
/** What may remain of two hundred pushes of 5.5 MB, in bytes. */
const allowedGrowth = 40 * 1024 * 1024

describe.skipIf(lacks('tools', missingTools('docker-registry', 'skopeo')))('two hundred pushes under faults', () => {
  let bench: FaultBench
  const trials: Trial[] = []
  beforeAll(async () => {
    bench = await startFaultBench()
  })
  afterAll(() => bench.stop())

  test.each(['wherry', 'skopeo'] as const)('a push by %s without faults ends well', async (client) => {
    expect(await bench[client](0)).toMatchObject({ outcome: 'pushed', faults: [] })
  })

  test('each end with the right image or a clear error, in time, with memory flat', async () => {
    const memory: number[] = []
    for (const seed of seeds) {
      trials.push(await bench.wherry(seed))
      const { heapUsed, arrayBuffers } = process.memoryUsage()
      memory.push(heapUsed + arrayBuffers)
    }
    process.stdout.write(`${summary('wherry', trials)}\n`)
    for (const { seed, words } of trials.filter((t) => t.outcome === 'refused'))
      process.stdout.write(`  ${seed}: ${words}\n`)
    expect(trials.filter((t) => t.outcome === 'wrong')).toEqual([])
    expect(trials.filter((t) => t.ms >= boundMs)).toEqual([])
    const floor = (part: readonly number[]): number => Math.min(...part)
    expect(floor(memory.slice(-window)) - floor(memory.slice(0, window))).toBeLessThan(allowedGrowth)
  })

  test('succeed at the first try more often than those of skopeo', async () => {
    const others: Trial[] = []
    for (const seed of seeds) others.push(await bench.skopeo(seed))
    process.stdout.write(`${summary('skopeo', others)}\n`)
    expect(others.filter((t) => t.outcome === 'wrong')).toEqual([])
    expect(pushed(trials)).toBeGreaterThan(pushed(others))
  })
})

function pushed(trials: readonly Trial[]): number {
  return trials.filter((t) => t.outcome === 'pushed').length
}

function summary(client: string, trials: readonly Trial[]): string {
  const faults = trials.reduce((sum, t) => sum + t.faults.length, 0)
  const slowest = Math.max(...trials.map((t) => t.ms))
  return `${client}: ${pushed(trials)} of ${trials.length} pushed at the first try under ${faults} faults; slowest ${slowest} ms`
}
