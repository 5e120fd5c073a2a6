/** Cache mounts in `prune` and `system df`. */
import { spawnSync } from 'node:child_process'
import { readdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { noStaticBusybox } from '../support/busybox.ts'
import { lacks, noFullMap, noUserNamespace } from '../support/need.ts'
import { type Bench, openBench } from '../support/trees.ts'

const isMissing =
  lacks('userns', noUserNamespace()) || lacks('tools', noStaticBusybox()) || lacks('mapped', noFullMap())

describe.skipIf(isMissing)('cache mounts', () => {
  let benches: Bench[]
  beforeAll(async () => {
    const mapped = await openBench('mapped')
    benches = [mapped, await mapped.other('single')]
    for (const bench of benches)
      for (const id of ['one', 'two'])
        await bench.run('dd if=/dev/zero of=/c/f bs=1M count=1; chown 33 /c/f; chmod 0 /c/f', {
          mounts: [
            {
              kind: 'cache',
              id,
              sharing: 'shared',
              source: '/',
              target: '/c',
              readOnly: false,
              mode: 0o755,
              uid: 0,
              gid: 0,
            },
          ],
        })
  })
  afterAll(async () => {
    for (const bench of benches.toReversed()) await bench.close()
  })
  const store = (): string => benches[0]?.store.root ?? ''
  const wherry = (...args: readonly string[]): string => {
    const bin = join(import.meta.dirname, '../../bin/wherry.js')
    const { stdout, stderr, status } = spawnSync(process.execPath, [bin, ...args, '--root', store()], {
      encoding: 'utf8',
    })
    expect([status, stderr]).toEqual([0, ''])
    return stdout
  }
  const mounted = (): number =>
    readdirSync(join(store(), 'mounts-v1'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.json'),
    ).length

  it('are counted and measured', () => {
    expect(wherry('system', 'df')).toMatch(/^Cache Mounts\s+4\s+0\s+4\.\d+MB/m)
  })

  it('go when they were not used for two weeks', () => {
    expect(wherry('prune', '-f')).toMatch(/, 0 cache mounts$/m)
    const old = new Date(Date.now() - 15 * 24 * 3600 * 1000)
    for (const map of readdirSync(join(store(), 'mounts-v1'))) {
      const dir = join(store(), 'mounts-v1', map)
      const [first] = readdirSync(dir)
        .filter((name) => name.endsWith('.json'))
        .sort()
      utimesSync(join(dir, first ?? ''), old, old)
    }
    expect(wherry('prune', '-f')).toMatch(/^Deleted: cache mount (one|two)\n(.*\n)*.*, 2 cache mounts$/m)
    expect(mounted()).toBe(2)
  })

  it('all go with --all, but not in a dry run', () => {
    expect(wherry('prune', '-a', '--dry-run')).toMatch(/, 2 cache mounts\nReclaimable space: 2\.\d+MB/)
    expect(mounted()).toBe(2)
    expect(wherry('prune', '-af')).toMatch(/, 2 cache mounts\nTotal reclaimed space: /)
    const left = readdirSync(join(store(), 'mounts-v1')).flatMap((map) => readdirSync(join(store(), 'mounts-v1', map)))
    expect(left).toEqual([])
  })
})
