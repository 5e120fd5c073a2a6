import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** Programs under test mostly wait for one another: two processors are kept busy by two files, which vitest would not start. */
const maxWorkers = Math.max(2, availableParallelism() - 1)

/** Three kinds of test by file name: pure (unit), on real files, namespaces and HTTP (system), and of the bundled program (e2e). */
export default defineConfig({
  test: {
    reporters: ['default'],
    maxWorkers,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.{system,e2e,full}.test.ts'],
          // They keep no state: one process runs many files, which halves their time.
          isolate: false,
        },
      },
      {
        test: {
          name: 'system',
          include: ['test/**/*.system.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          globalSetup: ['test/support/bundle.ts'],
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/**/*.e2e.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          // Each build has several processes of its own.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          globalSetup: ['test/support/bundle.ts'],
        },
      },
      {
        test: {
          name: 'full',
          include: ['test/**/*.full.test.ts'],
          testTimeout: 3_600_000,
          hookTimeout: 600_000,
          fileParallelism: false,
          globalSetup: ['test/support/bundle.ts'],
        },
      },
    ],
  },
})
