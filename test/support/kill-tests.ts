/** The tests of builds that are killed, as short or as long as is asked for. */
import { afterAll, beforeAll, describe, test } from 'vitest'
import { type KillTrial, killAndRecover, prepareTrial, undisturbed } from './kill-trial.ts'
import { lacks, noUserNamespace } from './need.ts'
import { type Home, type ServedRegistry, newHome, serveRegistry } from './wherry.ts'

/** Defines them; a build and push is killed at `rounds` random moments. */
export function killTests(rounds: number): void {
  describe.skipIf(lacks('userns', noUserNamespace()))('and then repeated', () => {
    let home: Home
    let registry: ServedRegistry
    let trial: KillTrial
    beforeAll(async () => {
      home = await newHome()
      registry = await serveRegistry(home)
      trial = await prepareTrial(home, registry)
    })
    afterAll(async () => {
      await registry.stop()
      await home.remove()
    })

    test('leaves nothing behind that the next one does not clear', async () => {
      const whole = await undisturbed(trial)
      for (let round = 0; round < rounds; round++) await killAndRecover(trial, `r${round}`, Math.random() * whole)
    })
  })
}
