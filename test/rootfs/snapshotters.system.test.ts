/** The snapshotter suite on both drivers, in each kind of namespace that this machine allows. */
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Outcomes, runInNamespace } from '../support/namespace.ts'
import { lacks, noFullMap, noUserNamespace } from '../support/need.ts'
import { snapshotterCases } from './cases/all.ts'

const script = join(import.meta.dirname, 'cases/run.ts')
const kinds = [
  ['mapped', lacks('mapped', noFullMap())],
  ['single', lacks('userns', noUserNamespace())],
] as const

for (const [isolation, isMissing] of kinds) {
  describe.skipIf(isMissing)(`in a ${isolation} namespace`, () => {
    let outcomes: Outcomes = new Map()
    beforeAll(async () => {
      outcomes = await runInNamespace(script, isolation)
    })
    describe.each(['overlay', 'copy'])('%s', (driver) => {
      test.each(snapshotterCases.map((c) => c.name))('%s', (name) => {
        expect(outcomes.has(`${driver}: ${name}`)).toBe(true)
        expect(outcomes.get(`${driver}: ${name}`)).toBeUndefined()
      })
    })
  })
}
