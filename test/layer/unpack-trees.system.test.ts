/** Archives into both kinds of tree, GNU tar being the judge. */
import { join } from 'node:path'
import { describeSnapshotters } from '../support/suite.ts'
import { unpackCases } from './cases/unpack-cases.ts'

describeSnapshotters(
  join(import.meta.dirname, 'cases/run.ts'),
  unpackCases.map(({ name }) => name),
)
