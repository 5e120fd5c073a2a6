/** SIGKILL at fifty random moments of a build and push. */
import { afterAll, beforeAll, describe, test } from 'vitest'
import { type KillTrial, killAndRecover, prepareTrial, undisturbed } from '../support/kill-trial.ts'
import { lacks, noUserNamespace } from '../support/need.ts'
import { type Home, type ServedRegistry, newHome, serveRegistry } from '../support/wherry.ts'

describe.skipIf(lacks('userns', noUserNamespace()))('a killed build', () => {
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
    for (let round = 0; round < 50; round++) await killAndRecover(trial, `r${round}`, Math.random() * whole)
  })
})
