/** Declares a suite of snapshotter cases: run once in each kind of namespace that this machine allows, shown test by test. */
import { beforeAll, describe, expect, test } from 'vitest'
import { type Outcomes, runInNamespace } from './namespace.ts'
import { lacks, noFullMap, noUserNamespace, notRoot } from './need.ts'

/** Tests for the cases with these names, which `script` (absolute) runs with `serveCases`. */
export function describeSnapshotters(script: string, names: readonly string[]): void {
  const kinds = [
    ['mapped', ['overlay', 'copy'], lacks('mapped', noFullMap())],
    ['single', ['overlay', 'copy'], lacks('userns', noUserNamespace())],
    ['chroot', ['copy'], lacks('root', notRoot())],
  ] as const
  for (const [isolation, drivers, isMissing] of kinds) {
    describe.skipIf(isMissing)(`in ${isolation} mode`, () => {
      let outcomes: Outcomes = new Map()
      beforeAll(async () => {
        outcomes = await runInNamespace(script, isolation, drivers)
      })
      describe.each(drivers)('%s', (driver) => {
        test.each(names)('%s', (name) => {
          expect(outcomes.has(`${driver}: ${name}`)).toBe(true)
          expect(outcomes.get(`${driver}: ${name}`)).toBeUndefined()
        })
      })
    })
  }
}
