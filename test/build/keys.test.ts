/** Cache keys of steps: what counts and what does not. */
import { expect, it } from 'vitest'
import { stackKey, stepKey } from '../../src/build/keys.ts'
import { digestOf } from '../../src/core/digest.ts'
import type { Step } from '../../src/plan/contract.ts'
import { plan } from '../plan/planned.ts'

const onlyStep = async (add: string): Promise<Step> => {
  const [step] = (await plan(`FROM scratch\nADD ${add}\n`)).steps.values()
  return step!
}

const keyOf = (step: Step): string => stepKey(step, { input: stackKey([]), selection: digestOf('what it takes') })

it.each([
  ['http://h/f /f', `--checksum=${digestOf('f')} http://h/f /f`],
  ['http://h/r.git#v1 /r', `--checksum=${'a'.repeat(40)} http://h/r.git#v1 /r`],
])('%s has the key that it has with a checksum, but is another step', async (plain, checked) => {
  const [a, b] = [await onlyStep(plain), await onlyStep(checked)]
  expect(keyOf(b)).toBe(keyOf(a))
  expect(b.id).not.toBe(a.id)
})

it('another address or destination has another key', async () => {
  const keys = await Promise.all(['http://h/f /f', 'http://h/g /f', 'http://h/f /g'].map(onlyStep))
  expect(new Set(keys.map(keyOf)).size).toBe(3)
})
