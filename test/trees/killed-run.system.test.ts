/** kill -9 in the middle of a run with mounts: no process, no mount and no secret is left, and nothing stays locked. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noStaticBusybox } from '../support/busybox.ts'
import { lacks, noFullMap, noUserNamespace } from '../support/need.ts'
import { bundleWithThreads } from '../support/users.ts'

const isMissing = lacks('userns', noUserNamespace()) || lacks('tools', noStaticBusybox())
const kinds = [
  ['mapped', isMissing || lacks('mapped', noFullMap())],
  ['single', isMissing],
] as const

describe.each(kinds)('in %s mode', (isolation, skipped) => {
  let bundle: Awaited<ReturnType<typeof bundleWithThreads>>
  beforeAll(async () => {
    if (!skipped) bundle = await bundleWithThreads(join(import.meta.dirname, '../support/sleeping-run.ts'))
  })
  afterAll(() => {
    if (!skipped) bundle.remove()
  })

  test.skipIf(skipped)('nothing is left of a killed run but what it put into its cache mount', async () => {
    const secret = `secret-${process.pid}-${isolation}`
    const argv = [bundle.file, isolation, secret, '/nowhere/agent']
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
    const [store] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
    const folder = dirname(store)
    try {
      await until(() => foldersOf(join(store, 'mounts-v1')).some((path) => path.endsWith('/there')))
      const pids = processesIn(folder)
      expect(pids.length).toBeGreaterThan(1)
      for (const pid of pids) {
        expect(readIfThere(`/proc/${pid}/environ`)).not.toContain(secret)
        // The program of this test is told by its arguments; what it starts is not.
        if (pid !== String(child.pid)) expect(readIfThere(`/proc/${pid}/cmdline`)).not.toContain(secret)
      }
      child.kill('SIGKILL')
      await until(() => processesIn(folder).length === 0)
      // Overlayfs leaves a folder that even its owner may not read.
      execFileSync('chmod', ['-R', 'u+rwX', folder])
      // Where the run itself put it, and nowhere else.
      const holding = spawnSync('grep', ['-rl', secret, folder], { encoding: 'utf8' }).stdout.trim().split('\n')
      expect(holding).toEqual([expect.stringMatching(/\/mounts-v1\/[^/]+\/[0-9a-f]{64}\/there$/)])
      const [lock] = foldersOf(join(store, 'mounts-v1')).filter((path) => path.endsWith('.lock'))
      execFileSync('flock', ['--exclusive', '--nonblock', join(store, 'mounts-v1', lock ?? ''), 'true'])
    } finally {
      child.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

async function until(isTrue: () => boolean): Promise<void> {
  for (let waited = 0; !isTrue(); waited += 50) {
    if (waited > 20_000) throw new Error('it did not come to that')
    await delay(50)
  }
}

function foldersOf(dir: string): string[] {
  return existsSync(dir) ? readdirSync(dir, { recursive: true, encoding: 'utf8' }) : []
}

/** Processes that see a mount below the folder. */
function processesIn(folder: string): string[] {
  return readdirSync('/proc').filter(
    (pid) => /^\d+$/.test(pid) && readIfThere(`/proc/${pid}/mountinfo`).includes(folder),
  )
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return '' // Gone, or somebody else's.
  }
}
