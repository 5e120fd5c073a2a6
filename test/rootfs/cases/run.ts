/** The script of the snapshotter suite, to be run in a namespace. */
import { snapshotterCases } from './all.ts'
import { serveCases } from './serve.ts'

await serveCases(snapshotterCases)
