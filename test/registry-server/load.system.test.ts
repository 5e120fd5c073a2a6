/** The embedded registry under many clients at once, for a moment; `load.full.test.ts` takes a minute. */
import { loadTests } from '../support/load-tests.ts'

loadTests(1000)
