/** Both snapshotters, by the suite that each must pass. */
import { join } from 'node:path'
import { describeSnapshotters } from '../support/suite.ts'
import { snapshotterCases } from './cases/all.ts'

describeSnapshotters(
  join(import.meta.dirname, 'cases/run.ts'),
  snapshotterCases.map(({ name }) => name),
)
