/** Runs in a namespace: cases on each snapshotter, reported one by one. */
import { mkdirSync, mkdtempSync, readFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromText } from '../../../src/core/bytepath.ts'
import { controlFd } from '../../../src/host/contract.ts'
import { removeTree } from '../../../src/rootfs/disk.ts'
import type { Snapshotter } from '../../../src/rootfs/contract.ts'
import { createSnapshotter } from '../../../src/rootfs/snapshotter.ts'
import { reportLine } from '../../support/report.ts'
import type { Case } from './bench.ts'

/** Runs every case on the drivers that the program is called with, each in a folder of its own; ends the process. */
export async function serveCases(cases: readonly Case[]): Promise<never> {
  // One line of /proc/self/uid_map with a count of 1 is single mode.
  const mapped = !/^\s*0\s+\d+\s+1\s*$/.test(readFileSync('/proc/self/uid_map', 'latin1'))
  // Any but 0: nothing may depend on it.
  process.umask(0o077)
  const root = mkdtempSync(join(tmpdir(), 'wherry-suite-'))
  try {
    for (const driver of process.argv.slice(2) as Snapshotter['driver'][]) {
      for (const [i, one] of cases.entries()) {
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
  return process.exit(0)
}
