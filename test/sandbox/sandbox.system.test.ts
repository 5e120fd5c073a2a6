import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lacks, missingTools, noUserNamespace } from '../support/need.ts'
import type { Outcome, Step, StepOutcome } from '../support/sandbox-runner.ts'
import { openSandboxTrials, running, shell, until } from '../support/sandbox-trials.ts'
import { trials } from '../support/users.ts'

const skipped = lacks('userns', noUserNamespace()) || lacks('tools', missingTools('busybox'))
const { jobOf, carryOut, runnerFile, close } = openSandboxTrials()
afterAll(close)

/** Files that only the kernel's own root may write, and one that docker hides. */
const kernelFiles = [
  '/proc/sys/kernel/core_pattern',
  '/proc/sys/kernel/shmmax',
  '/proc/sys/kernel/hostname',
  '/proc/sys/vm/drop_caches',
  '/proc/sysrq-trigger',
  '/sys/power/state',
  '/sys/kernel/mm/transparent_hugepage/enabled',
]

const user33 = { uid: 33, gid: 33, supplementaryGids: [33, 44] }

const steps = {
  success: shell('true'),
  failure: shell('exit 7'),
  signalled: shell('sh -c "kill -TERM \\$\\$"; echo $?'),
  missing: { spec: { args: ['no-such-program'] } },
  notExecutable: { spec: { args: ['/etc/passwd'] } },
  environment: { spec: { args: ['env'], env: ['PATH=/bin', 'A.B=dots', 'TEXT=two words\nand lines', 'UTF=é'] } },
  identity: shell('id -u; id -g; id -G; pwd; umask', { ...user33, cwd: '/home' }),
  capabilities: shell('grep -E "CapEff|CapBnd|NoNewPrivs" /proc/self/status'),
  streams: shell('echo out >/dev/stdout; echo err >/dev/stderr; cat /dev/stdin; readlink /proc/$$/fd/2 | cut -c1-5'),
  names: shell('hostname; cat /etc/hosts', { hostname: 'box', extraHosts: [['db', '10.1.2.3']] }),
  resolver: shell('cat /etc/resolv.conf; echo x 2>/dev/null >/etc/resolv.conf || echo read-only'),
  kernel: shell(
    `for f in ${kernelFiles.join(' ')}; do [ -e $f ] && (echo 1 >$f) 2>/dev/null && echo wrote $f; done; true`,
  ),
  mounting: shell(
    'mount -t tmpfs none /tmp 2>/dev/null && echo mounted; umount /proc 2>/dev/null && echo unmounted; true',
  ),
  escape: shell('mkdir -p /tmp/x; chroot /tmp/x /bin/true 2>/dev/null; cat /proc/1/cmdline | tr "\\0" " " | cut -c1-3'),
  processes: shell('ls /proc | grep -c "^[0-9]"; echo $$'),
  noNetwork: shell('cat /proc/net/dev | grep -c :; ip addr show lo | grep -o "127.0.0.1/8"', { network: 'none' }),
  background: shell('setsid sleep 4711 & echo started'),
  script: { spec: { args: ['/dev/pipes/EOF'], script: { name: 'EOF', content: '#!/bin/sh\necho from a script\n' } } },
  devices: shell(
    'echo x >/dev/null && head -c 3 /dev/zero | wc -c && ls /dev/pts/ptmx && touch /dev/shm/x && echo fine',
  ),
  aborted: { ...shell('echo begun; setsid sleep 4712 & sleep 4713'), abortAfterMs: 300 },
} as const satisfies Record<string, Step>

const names = Object.keys(steps) as (keyof typeof steps)[]

describe.skipIf(skipped).each(skipped ? [] : trials())('as $user.name, $isolation', (trial) => {
  let outcome: Outcome
  const of = (name: keyof typeof steps): StepOutcome => outcome.steps[names.indexOf(name)]!

  beforeAll(async () => {
    outcome = await carryOut(trial, Object.values(steps), { overlay: true })
  })

  test('takes the mode asked for', () => {
    expect(outcome.mode.kind).toBe(trial.isolation)
  })

  test('passes exit codes on', () => {
    expect(of('success').exitCode).toBe(0)
    expect(of('failure').exitCode).toBe(7)
    expect(of('signalled').stdout).toBe('143\n')
  })

  test('a program that is not there is 127, one that may not run is 126', () => {
    expect(of('missing')).toMatchObject({ exitCode: 127 })
    expect(of('notExecutable').exitCode).toBe(126)
  })

  test('gives exactly the environment asked for', () => {
    expect(of('environment').stdout).toBe('PATH=/bin\nA.B=dots\nTEXT=two words\nand lines\nUTF=é\n')
  })

  test('runs as the user and groups asked for, in the folder asked for', () => {
    expect(of('identity').stdout).toBe('33\n33\n33 44\n/home\n0022\n')
  })

  test("has docker's capabilities and may gain privileges", () => {
    expect(of('capabilities').stdout.match(/\S+$/gm)).toEqual(['00000000a80425fb', '00000000a80425fb', '0'])
  })

  test('standard streams can be opened by name; input is empty', () => {
    expect(of('streams')).toMatchObject({ stdout: 'out\npipe:\n', stderr: 'err\n' })
  })

  test('has its host name, and the extra hosts', () => {
    const lines = of('names').stdout.split('\n')
    expect(lines.slice(0, 2)).toEqual(['box', '127.0.0.1\tlocalhost box'])
    expect(lines).toContain('10.1.2.3\tdb')
  })

  test('resolves names as the host does and cannot change that', () => {
    expect(of('resolver').stdout).toBe(`${readFileSync('/etc/resolv.conf', 'utf8')}read-only\n`)
  })

  test('cannot write to the kernel', () => {
    expect(of('kernel').stdout).toBe('')
  })

  test('cannot mount or unmount', () => {
    expect(of('mounting').stdout).toBe('')
  })

  test('sees no process but its own', () => {
    expect(of('escape').stdout.trim()).toBe('sh')
    const [count = '', pid] = of('processes').stdout.split('\n')
    expect(Number(count)).toBeLessThan(6)
    expect(pid).toBe('1')
  })

  test('network none leaves a working loopback interface alone', () => {
    expect(of('noNetwork').stdout).toBe('1\n127.0.0.1/8\n')
  })

  test('has the usual devices', () => {
    expect(of('devices').stdout).toBe('3\n/dev/pts/ptmx\nfine\n')
  })

  test('runs a script of its own', () => {
    expect(of('script').stdout).toBe('from a script\n')
  })

  test('ends with its first process, and at once when aborted', () => {
    expect(of('background')).toMatchObject({ exitCode: 0, stdout: 'started\n' })
    expect(of('aborted')).toMatchObject({ stdout: 'begun\n', error: { code: 'cancelled' } })
    expect(of('aborted').ms).toBeLessThan(2000)
    expect(running('sleep 471')).toEqual([])
  })

  test('leaves nothing: no mount, no process, no change of the tree', () => {
    expect(outcome.mountsLeft).toEqual([])
    expect(outcome.processesLeft).toEqual([])
    expect(outcome.upper.filter((path) => !['etc', 'tmp', 'tmp/x'].includes(path))).toEqual([])
    expect(outcome.times['etc']?.[1]).toBe(outcome.times['etc']?.[0])
  })

  test('makes mount points in an empty image and removes them', async () => {
    const bare = await carryOut(trial, [shell('ls /; ls -d /etc/hosts')], { overlay: true, bare: true })
    expect(bare.steps[0]?.stdout).toBe('bin\ndev\netc\nproc\nsys\n/etc/hosts\n')
    expect(bare.upper).toEqual([])
    expect(bare.times['']?.[1]).toBe(bare.times['']?.[0])
  })

  test('keeps the time that the run itself gave to a folder', async () => {
    const { times } = await carryOut(trial, [shell('sleep 0.1; touch /etc/new')])
    expect(times['etc']?.[1]).not.toBe(times['etc']?.[0])
  })

  test('keeps runs at the same time apart', async () => {
    const script = (i: number): string =>
      `echo ${i} >/x; chown ${i}:${i} /x; hostname; sleep 0.2; cat /x; ls /proc | grep -c "^[0-9]"`
    const numbers = [1, 2, 3, 4, 5, 6]
    const many = numbers.map((i) => shell(script(i), { hostname: `h${i}`, network: i % 2 === 0 ? 'none' : 'host' }))
    const outcomes = await carryOut(trial, many, { parallel: true })
    for (const [i, { stdout, owners }] of outcomes.steps.entries()) {
      expect(stdout).toMatch(new RegExp(`^h${i + 1}\n${i + 1}\n[1-5]\n$`))
      const wanted = trial.isolation === 'single' ? [{ uid: i + 1, gid: i + 1 }] : []
      expect(Object.values(owners ?? {})).toEqual(wanted)
    }
    expect(outcomes.processesLeft).toEqual([])
  })

  test.each([
    ['at its start', {}, 0],
    ['as root', {}, 300],
    ['as another user, whose processes no signal of a parent would reach', user33, 300],
  ])('dies with its outer process, %s', async (_when, ids, afterMs) => {
    const job = jobOf(trial, [shell('sleep 4714; true', ids)])
    const own = trial.user.uid === process.getuid?.()
    const child = spawn(process.execPath, [await runnerFile(), job], {
      stdio: 'ignore',
      ...(own ? {} : { uid: trial.user.uid, gid: trial.user.gid }),
      cwd: '/',
    })
    await until(() => running('sleep 4714').length > 0)
    await delay(afterMs)
    child.kill('SIGKILL')
    await once(child, 'exit')
    await until(() => running('sleep 4714').length === 0)
  })
})

describe.skipIf(skipped)('root of a container that has a few ids of its own', () => {
  const mapped = (skipped ? [] : trials()).filter(({ isolation, user }) => isolation === 'mapped' && user.uid !== 0)
  if (mapped.length === 0) test.skip('needs an ordinary user with subordinate ids to be root of it', () => undefined)

  test.each(mapped)('as $user.name: maps them one to one, and covers what docker covers', async (trial) => {
    const hidden = 'cat /proc/kcore /proc/keys | wc -c; ls /sys/firmware 2>/dev/null | wc -l'
    const {
      mode,
      steps: [kernel, covered],
    } = await carryOut(trial, [steps.kernel, shell(hidden)], { nested: true })
    expect(mode.idMap).toMatch(/^mapped-identity-0\.\d+\.1-/)
    expect(kernel).toMatchObject({ exitCode: 0, stdout: '' })
    expect(covered?.stdout).toBe('0\n0\n')
  })
})

describe.skipIf(skipped)('single', () => {
  const single = (skipped ? [] : trials()).filter(({ isolation }) => isolation === 'single')

  test.each(single)('as $user.name: remembers every owner that was asked for', async (trial) => {
    const script = `cd /home; touch a c 'new name'; mkdir d; ln -s a link
      chown 33:44 a; chown 7:8 /home/c; chown 9:9 "new name"; chown -h 5:6 link; chown 1:2 d
      chown 33:44 /etc/passwd; cd d; chown 3:4 ../a && chroot / chown 10:11 /etc/group`
    const {
      steps: [step],
      identities,
    } = await carryOut(trial, [shell(script)], { overlay: true })
    expect(step).toMatchObject({ exitCode: 0, stderr: '' })
    const owner = (path: string): string => {
      const { uid, gid } = step?.owners?.[identities[path] ?? ''] ?? { uid: -9, gid: -9 }
      return `${uid}:${gid}`
    }
    expect(['home/a', 'home/c', 'home/new name', 'home/d', 'etc/passwd', 'etc/group'].map(owner)).toEqual([
      ...['3:4', '7:8', '9:9', '1:2', '33:44', '10:11'],
    ])
    expect(Object.values(step?.owners ?? {})).toContainEqual({ uid: 5, gid: 6 })
  })

  test.each(single)('as $user.name: shows owners and devices as they were asked for', async (trial) => {
    const script = `cd /home; touch a; chown 33:44 a; chgrp 5 a; ln -s a link; chown -h 6:6 link; mknod dev b 259 300
      chown 5 /dev/stdout /proc/self/fd/1; mkdir d; chown 7:8 d; mv a d/b; cp -a d e; for f in link dev d d/b e/b; do stat -c '%n %u:%g %F %t:%T' $f; done`
    const { steps } = await carryOut(trial, [shell(script)], { overlay: true })
    expect(steps[0]).toMatchObject({ exitCode: 0, stderr: '' })
    expect(steps[0]?.stdout.trim().split('\n')).toEqual([
      'link 6:6 symbolic link 0:0',
      'dev 0:0 block special file 103:12c',
      'd 7:8 directory 0:0',
      ...['d/b 33:5 regular empty file 0:0', 'e/b 33:5 regular empty file 0:0'],
    ])
  })

  test.each(single)('as $user.name: what another user makes belongs to it', async (trial) => {
    const script = `cd /home; umask 027; mkdir d; mkfifo p; ln -s x l; echo >f; chown 1 /etc/passwd || echo refused
      for f in d p l f; do stat -c '%n %u:%g %a' $f; done; id -G; (id -u; cat f) | cat`
    const { steps } = await carryOut(trial, [shell(script, user33)], { overlay: true })
    expect(steps[0]?.stdout.trim().split('\n')).toEqual([
      'refused',
      ...['d 33:33 750', 'p 33:33 640', 'l 33:33 777', 'f 33:33 640'],
      ...['33 44', '33'],
    ])
    expect(Object.values(steps[0]?.owners ?? {})).toEqual(Array(4).fill({ uid: 33, gid: 33 }))
  })

  test.each(single)('as $user.name: a run has the owners of its own calls only', async (trial) => {
    const {
      steps: [first, second],
    } = await carryOut(trial, [shell('touch /x; chown 1:1 /x'), shell('true')])
    expect(Object.keys(first?.owners ?? {})).toHaveLength(1)
    expect(second?.owners).toEqual({})
  })

  test.each(single)(
    'as $user.name: chown takes the setuid bit away, and fails where there is no file',
    async (trial) => {
      const script =
        'cp /bin/busybox /x; chmod 4755 /x; chown 5 /x; stat -c %a /x; chown 5 /nothing || mknod /dev/x c 1 3 && echo made'
      const {
        steps: [step],
      } = await carryOut(trial, [shell(script)])
      expect(step?.stdout).toBe('755\nmade\n')
      expect(step?.stderr).toContain('No such file')
    },
  )
})
