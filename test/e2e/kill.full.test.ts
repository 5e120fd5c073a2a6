/** SIGKILL at fifty random moments of a build and push. */
import { describe } from 'vitest'
import { killTests } from '../support/kill-tests.ts'

describe('a build killed many times', () => {
  killTests(50)
})
