/** Runs in a namespace: the whole suite on each snapshotter, reported case by case. */
import { mkdirSync, mkdtempSync, readFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromText } from '../../../src/core/bytepath.ts'
import { controlFd } from '../../../src/host/contract.ts'
import { removeTree } from '../../../src/rootfs/disk.ts'
import { createSnapshotter } from '../../../src/rootfs/snapshotter.ts'
import { reportLine } from '../../support/report.ts'
import { snapshotterCases } from './all.ts'

// One line of /proc/self/uid_map with a count of 1 is single mode.
const mapped = !/^\s*0\s+\d+\s+1\s*$/.test(readFileSync('/proc/self/uid_map', 'latin1'))
process.umask(0o077)
const root = mkdtempSync(join(tmpdir(), 'wherry-suite-'))
try {
  for (const driver of ['overlay', 'copy'] as const) {
    for (const [i, one] of snapshotterCases.entries()) {
      const dir = join(root, `${driver}${i}`, 'snapshots')
      mkdirSync(dir, { recursive: true })
      let failure: unknown
      try {
        await one.run({ snapshots: await createSnapshotter(driver, dir, { identities: true }), dir, mapped })
      } catch (error) {
        failure = error
      }
      writeSync(controlFd, reportLine(`${driver}: ${one.name}`, failure))
    }
  }
} finally {
  removeTree(fromText(root))
}
process.exit(0)
