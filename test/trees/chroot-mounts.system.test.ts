/** Mounts of a run where nothing can be mounted: the same to see, and nothing of them left, in layers or anywhere. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TreeMount } from '../../src/trees/contract.ts'
import { noStaticBusybox } from '../support/busybox.ts'
import { lacks, notRoot } from '../support/need.ts'
import { type Bench, openBench } from '../support/trees.ts'
import { bundleWithThreads } from '../support/users.ts'

const skipped = lacks('root', notRoot()) || lacks('tools', noStaticBusybox())

type Cache = Extract<TreeMount, { kind: 'cache' }>
const owner = { mode: 0o755, uid: 0, gid: 0 }
const tmpfs = (target: string): TreeMount => ({ kind: 'tmpfs', target })
const secret = (target: string, more: { mode?: number; uid?: number; gid?: number } = {}): TreeMount => ({
  kind: 'file',
  target,
  content: Buffer.from('s3cret').toString('base64'),
  ...owner,
  mode: 0o400,
  ...more,
})
const cache = (id: string, target: string, more: Partial<Cache> = {}): Cache => ({
  kind: 'cache',
  id,
  sharing: 'shared',
  source: '/',
  target,
  readOnly: false,
  ...owner,
  ...more,
})

describe.skipIf(skipped)('in chroot mode', () => {
  let bench: Bench
  let source: Awaited<ReturnType<Bench['layer']>>
  beforeAll(async () => {
    bench = await openBench('chroot', 'copy', { secretsOnDisk: true })
    source = await bench.layer([
      { name: 'd', flag: '5', mode: 0o755 },
      { name: 'd/f', mode: 0o644, data: 'from the stack' },
      { name: 'to-f', flag: '2', link: '/d/f' },
    ])
  })
  afterAll(() => bench.close())

  const stack = (from: string, target: string, readOnly = true): TreeMount => ({
    kind: 'stack',
    layers: source,
    source: from,
    target,
    readOnly,
  })

  test.each([true, false])('a stack (read-only: %s) is a copy: what is written to it is dropped', async (readOnly) => {
    const mounts = [stack('/', '/m/deep', readOnly), stack('/to-f', '/link/file', readOnly)]
    const ran = await bench.run('cat /m/deep/d/f /link/file; echo x >/m/deep/d/f; rm /link/file; echo y >/made', {
      mounts,
    })
    expect(ran).toMatchObject({ stdout: 'from the stackfrom the stack', stderr: '', paths: ['made'] })
    expect((await bench.run('cat /m/deep/d/f /link/file', { mounts })).stdout).toBe('from the stackfrom the stack')
  })

  test('a folder in memory is an empty one, whatever becomes of it', async () => {
    const ran = await bench.run(
      'ls /etc; stat -c %a /etc /new; echo x >/etc/passwd; rm -rf /new; mkdir /new; echo y >/new/z',
      {
        mounts: [tmpfs('/etc'), tmpfs('/new')],
      },
    )
    expect(ran).toMatchObject({ exitCode: 0, stdout: '755\n1777\n', paths: [] })
  })

  test('what holds mount points of others comes back as it was', async () => {
    const ran = await bench.run('cat /t/a/b/f; echo x >/t/x; mv /usr /moved', {
      mounts: [tmpfs('/t'), stack('/d', '/t/a/b'), tmpfs('/usr/p/q')],
    })
    expect(ran.stdout).toBe('from the stack')
    expect(ran.paths.filter((path) => !path.startsWith('usr'))).toEqual(['moved', 'moved/p', 'moved/p/q'])
  })

  test('a cache keeps what runs put into it, also one that fails, and its place in the image is as it was', async () => {
    const mounts = [cache('keep', '/etc'), cache('keep2', '/c/d')]
    const first = await bench.run('ls /etc /c/d; echo kept >/etc/f; touch /c/d/g; echo out >/made', { mounts })
    expect(first).toMatchObject({ stdout: '/c/d:\n\n/etc:\n', paths: ['made'] })
    const failed = await bench.run('cat /etc/f; echo more >>/etc/f; exit 3', { mounts })
    expect(failed).toMatchObject({ exitCode: 3, stdout: 'kept\n' })
    const last = await bench.run('cat /else/f; ls /etc', { mounts: [cache('keep', '/else')] })
    expect(last.stdout).toBe('kept\nmore\nhosts\npasswd\nresolv.conf\n')
  })

  test('a cache that is read-only is a copy; one that a run deletes is empty', async () => {
    await bench.run('echo kept >/c/f', { mounts: [cache('ro', '/c')] })
    const mounts = [cache('ro', '/c', { readOnly: true })]
    expect((await bench.run('cat /c/f; echo x >/c/f', { mounts })).stdout).toBe('kept\n')
    expect((await bench.run('cat /c/f; rm -r /c', { mounts: [cache('ro', '/c')] })).stdout).toBe('kept\n')
    expect((await bench.run('ls /c', { mounts })).stdout).toBe('')
  })

  test('a part of a cache is that part alone', async () => {
    await bench.run('mkdir /c/p; echo in >/c/p/f; echo beside >/c/g', { mounts: [cache('part', '/c')] })
    const ran = await bench.run('ls /p; echo more >/p/h', { mounts: [cache('part', '/p', { source: '/p' })] })
    expect(ran.stdout).toBe('f\n')
    expect((await bench.run('cd /c; ls . p', { mounts: [cache('part', '/c')] })).stdout).toBe('.:\ng\np\n\np:\nf\nh\n')
  })

  test('runs that share a cache have it one after the other; one that wants it twice is refused', async () => {
    const script = 'n=$(cat /c/n || echo 0); sleep 0.1; echo $((n + 1)) >/c/n'
    const mounts = [cache('count', '/c')]
    await Promise.all([1, 2, 3].map(() => bench.run(script, { mounts })))
    expect((await bench.run('cat /c/n', { mounts })).stdout).toBe('3\n')
    await expect(bench.run('true', { mounts: [...mounts, cache('count', '/d')] })).rejects.toMatchObject({
      code: 'host-unsupported',
      message: expect.stringContaining('"count" twice') as string,
    })
  })

  test('a secret has its owner and mode, covers what is there, and is gone', async () => {
    const mounts = [secret('/run/secrets/x', { uid: 1000, gid: 50, mode: 0o440 }), secret('/etc/passwd')]
    const ran = await bench.run('stat -c %a:%u:%g /run/secrets/x; cat /run/secrets/x /etc/passwd; echo y >/etc/y', {
      mounts,
    })
    expect(ran).toMatchObject({ stdout: '440:1000:50\ns3crets3cret', paths: ['etc', 'etc/y'] })
    expect(holders('s3cret', bench.store.root)).toEqual([])
  })

  test('a socket leads to that of the host', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wherry-socket-'))
    const server = createServer((socket) => socket.end('hello from the host')).listen(join(folder, 's'))
    await once(server, 'listening')
    try {
      const mounts: TreeMount[] = [{ kind: 'socket', target: '/s', path: join(folder, 's'), ...owner }]
      const ran = await bench.run('stat -c %F:%a /s', { mounts })
      expect([ran.stdout, ran.paths]).toEqual(['socket:755\n', []])
    } finally {
      server.close()
      rmSync(folder, { recursive: true, force: true })
    }
  })

  test('devices of a layer are nowhere to be opened', async () => {
    const layers = await bench.layer(
      [
        { name: 'disk', flag: '4', mode: 0o666, major: 8, minor: 0 },
        { name: 'mem', flag: '3', mode: 0o666, major: 1, minor: 1 },
      ],
      bench.base,
    )
    const ran = await bench.run('ls /disk /mem; echo x >/y', { layers })
    expect([ran.stdout, ran.paths]).toEqual(['', ['y']])
  })

  test('places keep their times', async () => {
    const ran = await bench.run('chmod 700 /usr', { mounts: [tmpfs('/usr/a/b'), secret('/usr/f')] })
    expect(ran.paths).toEqual(['usr'])
    expect(ran.layer.find((entry) => entry.path === 'usr')?.mtime).toBe(0n)
  })
})

/** Files below a folder that hold a text. */
function holders(text: string, folder: string): string[] {
  return spawnSync('grep', ['-rl', text, folder], { encoding: 'utf8' }).stdout.split('\n').filter(Boolean)
}

describe.skipIf(skipped)('secrets in chroot mode', () => {
  const mounts = [secret('/s')]

  test('are not put on a disk unless that is allowed', async () => {
    const bench = await openBench('chroot', 'copy')
    try {
      const run = bench.run('cat /s', { mounts })
      await expect(run).rejects.toMatchObject({
        code: 'host-unsupported',
        hint: expect.stringMatching(/env=.*\/dev\/shm.*--allow secrets\.disk/) as string,
      })
      expect(holders('s3cret', bench.store.root)).toEqual([])
    } finally {
      await bench.close()
    }
  })

  test('may lie in memory, where the store does', async () => {
    const bench = await openBench('chroot', 'copy', { folder: '/dev/shm' })
    try {
      expect((await bench.run('cat /s', { mounts })).stdout).toBe('s3cret')
    } finally {
      await bench.close()
    }
  })
})

describe.skipIf(skipped)('after kill -9 in chroot mode', () => {
  test.each(['at once', 'later'])('the next one, %s, brings the cache back and sweeps', async (when) => {
    const value = `secret-${process.pid}`
    const bundle = await bundleWithThreads(join(import.meta.dirname, '../support/sleeping-run.ts'))
    const argv = [bundle.file, 'chroot', value, '/nowhere/agent']
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
    const [store] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
    const drafts = join(store, 'snapshots-v1/copy-chroot/drafts')
    try {
      await until(() => readdirSync(drafts).some((name) => existsSync(join(drafts, name, 'fs/c/there'))))
      child.kill('SIGKILL')
      // What the step made of the secret is its own.
      const own = /\/fs\/c\/there$|\/fs\/m\/too$/
      if (when === 'later') await until(() => holders(value, store).every((path) => own.test(path)))
      const bench = await openBench('chroot', 'copy', { root: dirname(store) })
      expect((await bench.run('cat /c/there', { mounts: [cache('c', '/c')] })).stdout).toBe(value)
      expect(readdirSync(drafts)).toEqual([])
      expect(holders(value, store)).toEqual([expect.stringMatching(/\/mounts-v1\/chroot\/[0-9a-f]{64}\/there$/)])
      await bench.close()
      expect(processesIn(dirname(store))).toEqual([])
    } finally {
      child.kill('SIGKILL')
      bundle.remove()
      rmSync(dirname(store), { recursive: true, force: true })
    }
  })
})

async function until(isTrue: () => boolean): Promise<void> {
  for (let waited = 0; !isTrue(); waited += 50) {
    if (waited > 20_000) throw new Error('waited too long')
    await delay(50)
  }
}

/** Pids of processes with a root or an argument in a folder. */
function processesIn(folder: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false
    const { stdout } = spawnSync('readlink', [`/proc/${pid}/root`], { encoding: 'utf8' })
    return stdout.startsWith(folder) || argumentsOf(pid).includes(folder)
  })
}

function argumentsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
