/** Declares a suite of snapshotter cases: run once in each kind of namespace that this machine allows, shown test by test. */
import { beforeAll, describe, expect, test } from 'vitest'
import { type Outcomes, runInNamespace } from './namespace.ts'
import { lacks, noFullMap, noUserNamespace } from './need.ts'

/** Tests for the cases with these names, which `script` (absolute) runs with `serveCases`. */
export function describeSnapshotters(script: string, names: readonly string[]): void {
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
        test.each(names)('%s', (name) => {
          expect(outcomes.has(`${driver}: ${name}`)).toBe(true)
          expect(outcomes.get(`${driver}: ${name}`)).toBeUndefined()
        })
      })
    })
  }
}
