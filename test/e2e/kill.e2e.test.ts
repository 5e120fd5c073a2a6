/** SIGKILL at a few random moments of a build and push. The long form is kill.full.test.ts. */
import { describe } from 'vitest'
import { killTests } from '../support/kill-tests.ts'

describe('a build killed a few times', () => {
  killTests(8)
})
