/** The demo, as a newcomer runs it. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { lacks, noUserNamespace } from '../support/need.ts'
import { finished } from '../support/wherry.ts'

test.skipIf(lacks('userns', noUserNamespace()))('builds, pushes, pulls and runs fixtures/hello', async () => {
  const demo = join(import.meta.dirname, '..', 'demo', 'demo.mjs')
  const ran = await finished(spawn(process.execPath, [demo], { stdio: ['ignore', 'pipe', 'pipe'] }))
  expect(ran.code, ran.stdout + ran.stderr).toBe(0)
  expect(ran.stdout).toMatch(/Hello, ferryman, from a container! I am uid (65534|0)/)
  expect(ran.stdout).toMatch(/^digest {2}sha256:[0-9a-f]{64}$/m)
  expect(ran.stdout.match(/^layer {3}sha256:/gm)).toHaveLength(2)
})
