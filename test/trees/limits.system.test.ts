/** Sockets, limits and control groups of a run on the real thing. */
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type Server, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeCgroup } from '../../src/host/cgroups.ts'
import type { StackLayer, TreeMount } from '../../src/trees/contract.ts'
import { noStaticBusybox } from '../support/busybox.ts'
import { lacks, missingTools, noFullMap, noUserNamespace, programPath } from '../support/need.ts'
import { type Bench, openBench } from '../support/trees.ts'

const isMissing = lacks('userns', noUserNamespace()) || lacks('tools', noStaticBusybox())
const kinds = [
  ['mapped', isMissing || lacks('mapped', noFullMap())],
  ['single', isMissing],
] as const

describe.each(kinds)('in %s mode', (isolation, skipped) => {
  let bench: Bench
  beforeAll(async () => {
    if (!skipped) bench = await openBench(isolation)
  })
  afterAll(async () => {
    if (!skipped) await bench.close()
  })

  describe.skipIf(skipped)('a socket', () => {
    let dir: string
    let server: Server
    let connections = 0
    beforeEach(async () => {
      dir = mkdtempSync(join(tmpdir(), 'wherry-agent-'))
      server = createServer((socket) => {
        connections++
        socket.on('data', (data) => socket.end(data.toString().toUpperCase())).on('error', () => undefined)
      })
      server.listen(join(dir, 'agent'))
      await once(server, 'listening')
      chmodSync(dir, 0o700)
    })
    afterEach(() => {
      server.close()
      rmSync(dir, { recursive: true, force: true })
    })
    const agent = (target: string, mode = 0o600): TreeMount => {
      return { kind: 'socket', target, path: join(dir, 'agent'), mode, uid: 0, gid: 0 }
    }

    test('leads to the one on the host, any number of times, and leaves no trace', async () => {
      if (lacks('tools', missingTools('perl', 'ldd'))) return
      const target = '/run/buildkit/ssh_agent.0'
      const ran = await bench.run(
        `stat -c %F:%a ${target}; for i in 1 2 3; do perl -e '${ask}' ${target} "hello $i"; done; echo x > /made`,
        { layers: await withPerl(bench), mounts: [agent(target)], network: 'none' },
      )
      expect([ran.stdout, ran.stderr]).toEqual(['socket:600\nHELLO 1\nHELLO 2\nHELLO 3\n', ''])
      expect(ran.paths).toEqual(['made'])
    })

    test('refuses who may not use it', async () => {
      if (isolation === 'single' || lacks('tools', missingTools('perl', 'ldd'))) return
      const before = connections
      const run = { layers: await withPerl(bench), mounts: [agent('/agent')], user: 'user' }
      const ran = await bench.run(`perl -e '${ask}' /agent hello`, run)
      expect([ran.stdout, ran.stderr, ran.exitCode]).toEqual(['', 'Permission denied', 13])
      expect(connections).toBe(before)
    })

    test('whose host end is gone ends its connections, and the run goes on', async () => {
      server.close()
      rmSync(join(dir, 'agent'), { force: true })
      if (lacks('tools', missingTools('perl', 'ldd'))) return
      const run = { layers: await withPerl(bench), mounts: [agent('/agent')] }
      const ran = await bench.run(`perl -e '${ask}' /agent hello; echo on`, run)
      // The broken connection shows as an end or as a signal.
      expect(ran.stdout).toMatch(/^\n?on\n$/)
    })

    test('that a killed run still used is closed', async () => {
      if (lacks('tools', missingTools('perl', 'ldd'))) return
      const abort = new AbortController()
      const run = { layers: await withPerl(bench), mounts: [agent('/agent')] }
      const connected = once(server, 'connection')
      const ran = bench.run(`perl -e '${hang}' /agent`, run, abort.signal)
      await connected
      abort.abort()
      await expect(ran).rejects.toMatchObject({ code: 'cancelled' })
      // Ends when every connection has.
      server.close()
      await once(server, 'close')
    })
  })

  describe.skipIf(skipped)('limits', () => {
    test('of the process are set, soft and hard', async () => {
      const ran = await bench.run('grep -E "open files|core file|processes" /proc/self/limits', {
        ulimits: [
          { name: 'nofile', soft: 100, hard: 200 },
          { name: 'core', soft: 0, hard: 0 },
        ],
      })
      expect(ran.stdout).toMatch(/core file size\s+0\s+0\s/)
      expect(ran.stdout).toMatch(/open files\s+100\s+200\s/)
    })

    test('above the own ones of wherry are refused with the number; so are unknown and impossible ones', async () => {
      const run = (name: string, soft: number, hard: number): Promise<unknown> =>
        bench.run('true', { ulimits: [{ name, soft, hard }] })
      await expect(run('nofile', 10, 2 ** 40)).rejects.toMatchObject({
        code: 'host-unsupported',
        message: expect.stringMatching(
          /^limit nofile=1099511627776 is above the limit of wherry itself, \d+$/,
        ) as string,
      })
      await expect(run('files', 1, 1)).rejects.toMatchObject({ code: 'usage' })
      await expect(run('nofile', 20, 10)).rejects.toMatchObject({ code: 'usage' })
    })

    test('of the shared memory', async () => {
      const size = async (shmSize?: number): Promise<string | undefined> =>
        (await bench.run('df -k /dev/shm | tail -1', { shmSize })).stdout.split(/\s+/)[1]
      expect([await size(), await size(3 << 20)]).toEqual(['65536', '3072'])
    })
  })

  describe.skipIf(skipped)('a control group', () => {
    test('holds the process where it may be made, and is gone after it', async () => {
      if (lacks('cgroup', await noCgroup())) return
      const ran = await bench.run('cat /proc/self/cgroup', { cgroupParent: '/wherry-test' })
      expect(ran.stdout).toMatch(/^0::\/.*wherry-test\/[^/]+-run$/m)
      const { dir, remove } = makeCgroup('wherry-test')
      await remove()
      expect([existsSync(dir), existsSync(dirname(dir))]).toEqual([false, false])
    })

    test('that leads elsewhere is refused', async () => {
      await expect(bench.run('true', { cgroupParent: 'a/../../b' })).rejects.toMatchObject({ code: /usage|host/ })
    })
  })
})

/** Why no control group can be made here, or undefined. */
async function noCgroup(): Promise<string | undefined> {
  try {
    await makeCgroup('wherry-probe').remove()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const connectTo = 'socket(S, 1, 1, 0); connect(S, pack("Sa*", 1, $ARGV[0])) or do { print STDERR $!; exit $!+0 };'
/** Perl without any module: sends the second argument to the socket in the first, and prints the answer. */
const ask = `${connectTo} syswrite(S, $ARGV[1]); sysread(S, $b, 99); print "$b\\n"`
const hang = `${connectTo} sleep 100`

/** The base with the host's perl and its libraries. */
function withPerl(bench: Bench): Promise<readonly StackLayer[]> {
  const perl = programPath('perl') ?? ''
  const libraries = execFileSync('ldd', [perl], { encoding: 'utf8' }).match(/\/\S+/g) ?? []
  const program = { name: 'bin/perl', mode: 0o755, data: readFileSync(perl) }
  const files = libraries.map((path) => ({ name: path.slice(1), mode: 0o755, data: readFileSync(path) }))
  return bench.layer([program, ...files], bench.base)
}
