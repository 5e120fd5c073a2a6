/** The embedded registry under many clients at once, for a minute. */
import { loadTests } from '../support/load-tests.ts'

loadTests(60_000)
