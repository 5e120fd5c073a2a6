/** Mounts of a run on the real thing: what it sees of them, and that its layer holds nothing of them. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TreeMount } from '../../src/trees/contract.ts'
import { noStaticBusybox } from '../support/busybox.ts'
import { lacks, noFullMap, noUserNamespace } from '../support/need.ts'
import { type Bench, openBench } from '../support/trees.ts'

const isMissing = lacks('userns', noUserNamespace()) || lacks('tools', noStaticBusybox())
const kinds = [
  ['mapped', 'overlay', isMissing || lacks('mapped', noFullMap())],
  ['single', 'overlay', isMissing],
  ['single', 'copy', isMissing],
] as const

const tmpfs = (target: string, size?: number): TreeMount => ({ kind: 'tmpfs', target, size })
const secret = (target: string, more: Partial<Extract<TreeMount, { kind: 'file' }>> = {}): TreeMount => ({
  kind: 'file',
  target,
  content: Buffer.from('s3cret').toString('base64'),
  mode: 0o400,
  uid: 0,
  gid: 0,
  ...more,
})

describe.each(kinds)('in %s mode with the %s driver', (isolation, driver, skipped) => {
  let bench: Bench
  let source: Awaited<ReturnType<Bench['layer']>>
  beforeAll(async () => {
    if (skipped) return
    bench = await openBench(isolation, driver)
    source = await bench.layer([
      { name: 'd', flag: '5', mode: 0o755 },
      { name: 'd/f', mode: 0o644, data: 'from the stack' },
      { name: 'to-f', flag: '2', link: '/d/f' },
      { name: 'out', flag: '2', link: '../../../../etc/passwd' },
    ])
  })
  afterAll(async () => {
    if (!skipped) await bench.close()
  })
  const stack = (from: string, target: string, readOnly = true): TreeMount => ({
    kind: 'stack',
    layers: source,
    source: from,
    target,
    readOnly,
  })

  describe.skipIf(skipped)('a stack', () => {
    test('shows a folder that cannot be written, and leaves no trace', async () => {
      const ran = await bench.run('cat /m/deep/f; touch /m/deep/x; rm /m/deep/f; umount /m/deep; echo x > /made', {
        mounts: [stack('/d', '/m/deep')],
      })
      expect(ran.stdout).toBe('from the stack')
      expect(ran.stderr).toMatch(/touch: .*Read-only[^]*rm: .*Read-only/)
      expect(ran.paths).toEqual(['made'])
    })

    test('shows a file, also through a link of its root', async () => {
      const ran = await bench.run('cat /a; cat /b/c; echo x >> /a', {
        mounts: [stack('d/f', '/a'), stack('/to-f', '/b/c')],
      })
      expect(ran.stdout).toBe('from the stackfrom the stack')
      expect(ran.stderr).toMatch(/Read-only/)
      expect(ran.exitCode).toBe(1)
      const kept = await bench.run('true', { mounts: [stack('d/f', '/a'), stack('/to-f', '/b/c')] })
      expect(kept.paths).toEqual([])
    })

    test('drops what was written', async () => {
      const mounts = [stack('/', '/m', false)]
      const ran = await bench.run('echo changed > /m/d/f; rm /m/to-f; echo n > /m/new; cat /m/d/f /m/new', { mounts })
      expect([ran.stdout, ran.paths]).toEqual(['changed\nn\n', []])
      const again = await bench.run('cat /m/d/f; ls /m', { mounts })
      expect(again.stdout).toBe('from the stackd\nout\nto-f\n')
    })

    test('without layers is an empty folder', async () => {
      const empty = { kind: 'stack', layers: [], source: '/', target: '/tmp/e', readOnly: false } as const
      const ran = await bench.run('ls -a /tmp/e; echo x > /tmp/e/x; ls /tmp/e', { mounts: [empty] })
      expect([ran.stdout, ran.paths]).toEqual(['.\n..\nx\n', []])
    })

    test('whose source is missing is an error that names it; no link leads out of it', async () => {
      for (const from of ['/nothing', '/d/f/below', '/out'])
        await expect(bench.run('true', { mounts: [stack(from, '/m')] })).rejects.toMatchObject({
          code: 'copy-failed',
          message: `"${from}": not found`,
          hint: expect.stringContaining('source') as string,
        })
    })
  })

  describe.skipIf(skipped)('a tmpfs', () => {
    test('is empty, has the size, and hides what is there', async () => {
      const ran = await bench.run('ls /etc; df -k /etc | tail -1; dd if=/dev/zero of=/etc/big bs=1M count=2; ls /etc', {
        mounts: [tmpfs('/etc', 1 << 20)],
      })
      expect(ran.stdout).toMatch(/^tmpfs\s+1024 [^]*big\n$/)
      expect(ran.stderr).toMatch(/No space left/)
      const after = await bench.run('ls /etc', { mounts: [tmpfs('/tmp')] })
      expect(after.stdout).toMatch(/passwd/)
      expect(ran.paths).toEqual([])
    })

    test('keeps what it covers out of the layer, whatever is done to it', async () => {
      const ran = await bench.run('rm -rf /etc/* /etc/passwd; echo x > /etc/group; chmod 700 /etc', {
        mounts: [tmpfs('/etc')],
      })
      expect([ran.exitCode, ran.paths]).toEqual([0, []])
    })

    test('takes the owners that a run gives to its files to itself', async () => {
      const ran = await bench.run('echo x > /t/f; chown 33 /t/f; chown 44:55 /etc/passwd', { mounts: [tmpfs('/t')] })
      expect(ran.layer.map(({ path, uid, gid }) => [path, uid, gid])).toEqual([
        ['etc', 0, 0],
        ['etc/passwd', 44, 55],
      ])
    })

    test('cannot be made where nothing can be written', async () => {
      const run = bench.run('true', { mounts: [stack('/d', '/m'), tmpfs('/m/new')] })
      await expect(run).rejects.toMatchObject({
        code: 'sandbox-failed',
        message: expect.stringMatching(/\/m\/new.*EROFS/) as string,
      })
    })

    test('takes the mode of the folder below it', async () => {
      const ran = await bench.run('stat -c %a /tmp /usr /new', {
        mounts: ['/tmp', '/usr', '/new'].map((t) => tmpfs(t)),
      })
      expect(ran.stdout).toBe('1777\n755\n1777\n')
    })

    test('can hold mount points of others, and comes back as it was', async () => {
      const ran = await bench.run('ls -R /t; cat /t/a/b/f; echo in > /t/x', {
        mounts: [tmpfs('/t'), stack('/d', '/t/a/b')],
      })
      expect(ran.stdout).toBe('/t:\na\n\n/t/a:\nb\n\n/t/a/b:\nf\nfrom the stack')
      expect(ran.paths).toEqual([])
    })

    test('is instead of the shared memory that every run has', async () => {
      const ran = await bench.run(
        'grep -c /dev/shm /proc/self/mountinfo; df -k /dev/shm | tail -1; echo x > /dev/shm/x',
        {
          mounts: [tmpfs('/dev/shm', 2 << 20)],
        },
      )
      expect(ran.stdout).toMatch(/^1\ntmpfs\s+2048 /)
    })
  })

  describe.skipIf(skipped)('a file in memory', () => {
    test('is there with its mode, read-only, and leaves no trace', async () => {
      const ran = await bench.run(
        'cat /run/secrets/x; stat -c %a:%u:%g /run/secrets/x; grep secrets/x /proc/self/mountinfo; echo > /run/secrets/x',
        { mounts: [secret('/run/secrets/x')] },
      )
      expect(ran.stdout).toMatch(/^s3cret400:0:0\n.* ro,nosuid,nodev,noexec[^]* - tmpfs /)
      expect(ran.stderr).toMatch(/Read-only|Permission/)
      const kept = await bench.run('cat /run/secrets/x', { mounts: [secret('/run/secrets/x')] })
      expect(kept.paths).toEqual([])
    })

    test.skipIf(isolation === 'single')('belongs to its owner, and to nobody else', async () => {
      const mounts = [secret('/s', { uid: 1000, gid: 50, mode: 0o440 }), secret('/root-only')]
      const ran = await bench.run('stat -c %a:%u:%g /s; cat /s; cat /root-only', { mounts, user: 'user' })
      expect(ran.stdout).toBe('440:1000:50\ns3cret')
      expect(ran.stderr).toMatch(/root-only.*Permission denied/)
    })

    test.skipIf(isolation === 'single')('cannot belong to an id that is not mapped', async () => {
      const run = bench.run('true', { mounts: [secret('/s', { uid: 3_000_000_000 })] })
      await expect(run).rejects.toMatchObject({ code: 'sandbox-failed' })
      await expect(run).rejects.not.toThrow(/s3cret|czNjcmV0/)
    })

    test('over a file of the image covers it for the run alone', async () => {
      const ran = await bench.run('cat /etc/passwd; echo x > /etc/y', { mounts: [secret('/etc/passwd')] })
      expect([ran.stdout, ran.paths]).toEqual(['s3cret', ['etc', 'etc/y']])
    })
  })

  describe.skipIf(skipped)('a mount point', () => {
    test('goes with the parents that it needed; what the run put beside it stays', async () => {
      const ran = await bench.run('echo x > /p/q/beside', { mounts: [tmpfs('/p/q/r/s')] })
      expect(ran.paths).toEqual(['p', 'p/q', 'p/q/beside'])
    })

    test('does not change the times of the folder that it lies in', async () => {
      const ran = await bench.run('chmod 700 /usr', { mounts: [tmpfs('/usr/a/b'), secret('/usr/f')] })
      expect(ran.paths).toEqual(['usr'])
      // As the archive of the base has it.
      expect(ran.layer.find((entry) => entry.path === 'usr')?.mtime).toBe(0n)
    })

    test('is looked up inside the root', async () => {
      const layers = await bench.layer(
        [
          { name: 'abs', flag: '2', link: '/usr/there' },
          { name: 'up', flag: '2', link: '../../../../../../../../../../usr/up' },
          { name: 'tmp/loop', flag: '2', link: 'loop' },
          { name: 'self', flag: '2', link: '.' },
          { name: 'kernel', flag: '2', link: '/proc/self' },
        ],
        bench.base,
      )
      const ran = await bench.run('cat /usr/there/in /usr/up; ls -l /usr/there', {
        layers,
        mounts: [secret('/abs/in'), secret('/up'), tmpfs('/tmp/../../..//usr/dots')],
      })
      expect(ran.stdout).toMatch(/^s3crets3cret/)
      expect(ran.paths).toEqual([])
      for (const target of ['/', '/self', '/tmp/..', '/tmp/loop', '/kernel', '/proc/new', '/bin/busybox/x', '/bin/sh'])
        await expect(bench.run('true', { layers, mounts: [tmpfs(target)] }), target).rejects.toMatchObject({
          code: 'sandbox-failed',
        })
      const after = await bench.run('true', { layers })
      expect(after.paths).toEqual([])
    })

    test('is not followed out of the root when the run swaps its parents for links', async () => {
      const victim = mkdtempSync(join(tmpdir(), 'wherry-victim-'))
      try {
        mkdirSync(join(victim, 'r'))
        writeFileSync(join(victim, 'f'), '')
        const ran = await bench.run(`mv /p /q; ln -s ${victim} /p`, { mounts: [tmpfs('/p/r'), secret('/p/f')] })
        expect([ran.exitCode, ran.paths.includes('p')]).toEqual([0, true])
        expect(readdirSync(victim)).toEqual(['f', 'r'])
      } finally {
        rmSync(victim, { recursive: true })
      }
    })
  })
})
