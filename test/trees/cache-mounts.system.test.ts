/** Cache mounts: what outlives a run, who shares it with whom, and that nothing of it is in a layer. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { digestOf } from '../../src/core/digest.ts'
import type { SealedMount, TreeMount } from '../../src/trees/contract.ts'
import { noStaticBusybox } from '../support/busybox.ts'
import { lacks, noFullMap, noUserNamespace } from '../support/need.ts'
import { type Bench, openBench } from '../support/trees.ts'

const isMissing = lacks('userns', noUserNamespace()) || lacks('tools', noStaticBusybox())
const kinds = [
  ['mapped', isMissing || lacks('mapped', noFullMap())],
  ['single', isMissing],
] as const

type Cache = Extract<TreeMount, { kind: 'cache' }>
const cache = (id: string, more: Partial<Cache> = {}): Cache => ({
  kind: 'cache',
  id,
  sharing: 'shared',
  source: '/',
  target: '/c',
  readOnly: false,
  mode: 0o755,
  uid: 0,
  gid: 0,
  ...more,
})

describe.each(kinds)('cache mounts in %s mode', (isolation, skipped) => {
  let bench: Bench
  let other: Bench
  beforeAll(async () => {
    if (skipped) return
    bench = await openBench(isolation)
    other = await bench.other()
  })
  afterAll(async () => {
    if (skipped) return
    await other.close()
    await bench.close()
  })

  describe.skipIf(skipped)('keep', () => {
    test('what runs put into them, by id, also for another wherry; layers hold nothing of it', async () => {
      const made = await bench.run('echo kept > /c/f; mkdir /c/d; echo out > /made', { mounts: [cache('keep')] })
      expect(made.paths).toEqual(['made'])
      const seen = await other.run('cat /else/f', { mounts: [cache('keep', { target: '/else' })] })
      expect(seen.stdout).toBe('kept\n')
      const empty = await bench.run('ls -a /c', { mounts: [cache('keep2')] })
      expect(empty.stdout).toBe('.\n..\n')
    })

    test('also what a run that failed put into them', async () => {
      const failed = await bench.run('echo kept > /c/f; exit 3', { mounts: [cache('failed')] })
      expect(failed.exitCode).toBe(3)
      expect((await bench.run('cat /c/f', { mounts: [cache('failed')] })).stdout).toBe('kept\n')
    })

    test('nothing that is written to one that is read-only', async () => {
      const ran = await bench.run('echo x > /c/f', { mounts: [cache('ro', { readOnly: true })] })
      expect([ran.exitCode, ran.stderr]).toEqual([1, expect.stringContaining('Read-only')])
      expect((await bench.run('ls /c', { mounts: [cache('ro')] })).stdout).toBe('')
    })

    test('mode and owner that a new one was given', async () => {
      const owner = { mode: 0o1750, uid: 1000, gid: 50 }
      const ran = await bench.run('stat -c %a:%u:%g /c', { mounts: [cache('owned', owner)] })
      expect(ran.stdout).toBe(isolation === 'mapped' ? '1750:1000:50\n' : '1750:0:0\n')
      const later = await bench.run('stat -c %a /c', { mounts: [cache('owned')] })
      expect(later.stdout).toBe('1750\n')
    })
  })

  describe.skipIf(skipped)('start', () => {
    test('as a copy of the source in the seed', async () => {
      const seed = await bench.layer([
        { name: 's', flag: '5', mode: 0o750 },
        { name: 's/f', mode: 0o640, data: 'seed' },
        { name: 'l', flag: '2', link: 's' },
      ])
      const first = await bench.run('cat /c/f; stat -c %a /c /c/f; echo more > /c/g', {
        mounts: [cache('seeded', { seed, source: '/l' })],
      })
      expect(first.stdout).toBe('seed750\n640\n')
      const second = await bench.run('ls /c', { mounts: [cache('seeded', { seed, source: '/l' })] })
      expect(second.stdout).toBe('f\ng\n')
      const whole = await bench.run('ls /c', { mounts: [cache('seeded2', { seed })] })
      expect(whole.stdout).toBe('l\ns\n')
      const file = await bench.run('cat /c', { mounts: [cache('seeded3', { seed, source: '/s/f' })] })
      expect(file.stdout).toBe('seed')
      const unseeded = await bench.run('ls /c', { mounts: [cache('seeded')] })
      expect(unseeded.stdout).toBe('')
      await expect(
        bench.run('true', { mounts: [cache('seeded4', { seed, source: '/nothing' })] }),
      ).rejects.toMatchObject({ code: 'copy-failed', message: '"/nothing": not found' })
    })

    test('with folders on the way to a source, and show that part alone', async () => {
      const part = cache('parts', { source: '/a/b', mode: 0o700 })
      const ran = await bench.run('echo x > /c/f; ls -a /c', { mounts: [part] })
      expect(ran.stdout).toBe('.\n..\nf\n')
      const whole = await bench.run('stat -c %a /c /c/a /c/a/b; cat /c/a/b/f', { mounts: [cache('parts')] })
      expect(whole.stdout).toBe('755\n755\n700\nx\n')
    })

    test('never outside, whatever links a run has left in them', async () => {
      const victim = mkdtempSync(join(tmpdir(), 'wherry-victim-'))
      try {
        writeFileSync(join(victim, 'host'), 'host')
        await bench.run(`ln -s ${victim} /c/abs; ln -s ../../../../../../../../..${victim} /c/up`, {
          mounts: [cache('links')],
        })
        for (const source of ['/abs', '/up', '/abs/new', '/up/new/er'])
          await bench
            .run('cat /c/host; echo x > /c/made', { mounts: [cache('links', { source })] })
            .then((ran) => expect(ran.stdout, source).toBe(''))
            .catch((error: unknown) => expect(String(error), source).toMatch(/is a link to nothing/))
        expect(existsSync(join(victim, 'made'))).toBe(false)
        expect(existsSync(join(victim, 'new'))).toBe(false)
      } finally {
        rmSync(victim, { recursive: true })
      }
    })
  })

  describe.skipIf(skipped)('that two runs want at once', () => {
    const meet =
      'echo x > /c/$0; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 0.1; test $(ls /c | wc -l) = 2 && exit 0; done; exit 9'
    const pair = async (one: Cache, two: Cache): Promise<number[]> => {
      const args = (name: string): string[] => ['/bin/sh', '-c', meet, name]
      const ran = await Promise.all([
        bench.run('', { args: args('one'), mounts: [one] }),
        other.run('', { args: args('two'), mounts: [two] }),
      ])
      return ran.map(({ exitCode }) => exitCode)
    }

    test('are the same folder if shared', async () => {
      expect(await pair(cache('both'), cache('both'))).toEqual([0, 0])
    })

    test('are different folders if private, of which the first is found again', async () => {
      const mine = cache('mine', { sharing: 'private' })
      expect(await pair(mine, mine)).toEqual([9, 9])
      const later = await bench.run('ls /c', { mounts: [mine] })
      expect(later.stdout).toMatch(/^(one|two)\n$/)
    })

    test.each([
      ['locked', 'locked'],
      ['locked', 'shared'],
      ['shared', 'locked'],
    ] as const)('and one has it %s, the other one, %s, waits', async (first, second) => {
      const id = `wait-${first}-${second}`
      const script = 'test -e /c/in && exit 9; touch /c/in; sleep 0.5; rm /c/in'
      const one = bench.run(script, { mounts: [cache(id, { sharing: first })] })
      await delay(150)
      const two = other.run(script, { mounts: [cache(id, { sharing: second })] })
      expect((await Promise.all([one, two])).map((ran) => ran.exitCode)).toEqual([0, 0])
    })

    test('and wait for each other in the same order', async () => {
      const both = (a: string, b: string): Cache[] => [
        cache(a, { sharing: 'locked', target: '/a' }),
        cache(b, { sharing: 'locked', target: '/b' }),
      ]
      const runs = Array.from({ length: 3 }, () => [
        bench.run('sleep 0.05', { mounts: both('x', 'y') }),
        other.run('sleep 0.05', { mounts: both('y', 'x') }),
      ])
      expect((await Promise.all(runs.flat())).every((ran) => ran.exitCode === 0)).toBe(true)
    })

    test('are free again when the wait for them is cancelled, and when their holder is killed', async () => {
      const mounts = [cache('cancel', { sharing: 'locked' })]
      const abort = new AbortController()
      const holder = bench.run('sleep 100', { mounts }, abort.signal)
      holder.catch(() => undefined)
      await delay(200)
      const waiting = new AbortController()
      const waiter = other.run('true', { mounts }, waiting.signal)
      setTimeout(() => waiting.abort(), 100)
      const began = Date.now()
      await expect(waiter).rejects.toMatchObject({ code: 'cancelled' })
      expect(Date.now() - began).toBeLessThan(1000)
      abort.abort()
      await expect(holder).rejects.toMatchObject({ code: 'cancelled' })
      expect((await other.run('true', { mounts })).exitCode).toBe(0)
    })

    test('in one run are one, and do not wait for themselves', async () => {
      const ran = await bench.run('echo x > /a/f; cat /b/f', {
        mounts: [cache('self', { sharing: 'locked', target: '/a' }), cache('self', { target: '/b' })],
      })
      expect(ran.stdout).toBe('x\n')
    })
  })

  describe.skipIf(skipped)('can be listed and removed', () => {
    const scope = { signal: new AbortController().signal, emit: () => undefined }

    test('with their id, size and last use', async () => {
      const began = Date.now() - 1000
      await bench.run('dd if=/dev/zero of=/c/f bs=1M count=1; ln /c/f /c/g; chown 33:33 /c/f; chmod 0 /c/f', {
        mounts: [cache('listed')],
      })
      const found = (await other.trees.cacheMounts(scope)).find(({ id }) => id === 'listed')
      expect(found?.bytes).toBeGreaterThan(1 << 20)
      expect(found?.bytes).toBeLessThan(3 << 19)
      expect(found?.lastUsed).toBeGreaterThan(began)
    })

    test('but not while a run has them; then nothing is left of them', async () => {
      const mounts = [cache('in use')]
      const run = bench.run('mkdir -m 0 /c/d; chown 33 /c/d; sleep 1', { mounts })
      await delay(300)
      const mine = async (): Promise<string[]> =>
        (await other.trees.cacheMounts(scope)).filter(({ id }) => id === 'in use').map(({ name }) => name)
      const names = await mine()
      expect(names).toHaveLength(1)
      expect(await other.trees.removeCacheMounts(names, scope)).toEqual([])
      expect((await run).exitCode).toBe(0)
      expect(await other.trees.removeCacheMounts([...names, '../../x'], scope)).toMatchObject([{ id: 'in use' }])
      expect(await mine()).toEqual([])
      expect((await bench.run('ls /c', { mounts })).stdout).toBe('')
    })
  })

  describe.skipIf(skipped)('can be shared', () => {
    const scope = { signal: new AbortController().signal, emit: () => undefined }
    const seal = async (id: string, limit = 1 << 20): Promise<{ path: string; sealed: SealedMount }> => {
      const path = bench.store.tempPath('tar')
      const files = { tarPath: path, contentsPath: bench.store.tempPath('contents') }
      return { path, sealed: await bench.trees.sealCacheMount({ id, limit, ...files }, scope) }
    }
    const look = 'cd /c; stat -c %a:%u:%g:%h:%Y . f g d d/h; readlink l; cat f; ls -A'

    test('as a layer, which is the same for the same content; another one begins as it', async () => {
      // In single mode owners are of one run, and are not always seen by the next.
      const own = isolation === 'single' ? '' : 'chown 3:4 d;'
      const fill = `cd /c; echo x > f; mkdir -m 0700 d; ln f g; ln f d/h; ln -s f l; touch .wh.f; chmod 0604 f; ${own} touch -d 2001-01-01 f`
      await bench.run(fill, { mounts: [cache('shared from')] })
      const { path, sealed } = await seal('shared from')
      const again = await seal('shared from')
      expect(again.sealed).toEqual(sealed)
      if (sealed.kind !== 'sealed') throw new Error(sealed.kind)
      const begin = { id: 'shared to', diffId: sealed.layer.diffId, blobPath: path }
      expect(await other.trees.hasCacheMount('shared to', scope)).toBe(false)
      expect(await other.trees.beginCacheMount(begin, scope)).toBe(true)
      expect(await other.trees.hasCacheMount('shared to', scope)).toBe(true)
      const before = await bench.run(look, { mounts: [cache('shared from')] })
      const after = await bench.run(look, { mounts: [cache('shared to')] })
      expect(before.stdout).toContain('.wh.f\n')
      expect(after.stdout).toBe(before.stdout.replace('.wh.f\n', ''))
      expect((await seal('shared to')).sealed).toEqual(sealed)
      expect((await bench.trees.cacheMounts(scope)).map(({ id }) => id)).toContain('shared to')
      // What is there stays.
      await bench.run('echo mine > /c/f', { mounts: [cache('shared to')] })
      expect(await other.trees.beginCacheMount(begin, scope)).toBe(false)
      expect((await bench.run('cat /c/f', { mounts: [cache('shared to')] })).stdout).toBe('mine\n')
    })

    test('but not if there is nothing, too much, or somebody who has it alone', async () => {
      expect((await seal('shared nothing')).sealed).toEqual({ kind: 'absent' })
      await bench.run('true', { mounts: [cache('shared empty')] })
      expect((await seal('shared empty')).sealed).toEqual({ kind: 'absent' })
      await bench.run('head -c 5000 /bin/busybox > /c/f', { mounts: [cache('shared large')] })
      expect((await seal('shared large', 5000)).sealed).toEqual({ kind: 'too-large', bytes: 6024 })
      const run = bench.run('touch /c/f; sleep 4', { mounts: [cache('shared alone', { sharing: 'locked' })] })
      await delay(500)
      expect((await seal('shared alone')).sealed).toEqual({ kind: 'busy' })
      await run
    })

    test('whole or not at all', async () => {
      await bench.run('echo x > /c/f', { mounts: [cache('shared whole')] })
      const { path } = await seal('shared whole')
      const wrong = { id: 'shared part', diffId: digestOf('another'), blobPath: path }
      await expect(other.trees.beginCacheMount(wrong, scope)).rejects.toThrow('the layer is sha256:')
      expect(await other.trees.hasCacheMount('shared part', scope)).toBe(false)
    })
  })
})
