/** Runs of chroot mode: what they have, and what they cannot reach although they are root beside the builder. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lacks, missingTools, notRoot, programPath } from '../support/need.ts'
import type { Outcome, Step, StepOutcome } from '../support/sandbox-runner.ts'
import { openSandboxTrials, running, shell, until } from '../support/sandbox-trials.ts'
import { chrootTrials } from '../support/users.ts'

const skipped = lacks('root', notRoot()) || lacks('tools', missingTools('busybox'))
const [trial] = chrootTrials()

const { jobOf, carryOut, runnerFile, close } = openSandboxTrials()
afterAll(close)

const user33 = { uid: 33, gid: 33, supplementaryGids: [33, 44] }

const steps = {
  success: shell('true'),
  failure: shell('exit 7'),
  signalled: shell('sh -c "kill -TERM \\$\\$"; echo $?; kill -KILL $$'),
  missing: { spec: { args: ['no-such-program'] } },
  notExecutable: { spec: { args: ['/etc/passwd'] } },
  environment: {
    spec: {
      args: ['env'],
      env: ['PATH=/bin', 'A.B=dots', 'TEXT=two words\nand lines', 'UTF=é', 'KEY=public'],
      secretEnv: ['KEY=s3cret'],
    },
  },
  identity: shell('id -u; id -g; id -G; pwd; umask', { ...user33, cwd: '/home' }),
  streams: shell('echo out >/dev/stdout; echo err >/dev/stderr; cat /dev/stdin; cat'),
  hosts: shell('cat /etc/hosts', { hostname: 'box', extraHosts: [['db', '10.1.2.3']] }),
  resolver: shell('cat /etc/resolv.conf; echo x >/etc/hosts; echo y >>/etc/resolv.conf'),
  script: { spec: { args: ['/dev/pipes/EOF'], script: { name: 'EOF', content: '#!/bin/sh\necho from a script\n' } } },
  devices: shell(
    'echo x >/dev/null; cat /dev/null; head -c 3 /dev/zero | wc -c; touch /dev/shm/x && echo fine',
    user33,
  ),
  changed: shell('rm -rf /dev /proc/version; mkdir /dev; echo x >/dev/made; echo x >/sys/made'),
  limits: shell('ulimit -n; ulimit -Hn', { limits: [{ name: 'nofile', soft: 99, hard: 199 }] }),
  afterLimits: shell('ulimit -Hn'),
  noNetwork: shell('true', { network: 'none' }),
  background: shell('setsid sleep 4721 & setsid su -s /bin/sh web -c "sleep 4722" & sleep 0.2; echo started'),
  many: shell(
    'f() { for i in 1 2 3 4 5 6 7 8; do (setsid sh -c "while :; do sleep 4723 & wait; done" &); done; }; f; f',
  ),
  aborted: { ...shell('echo begun; setsid sleep 4724 & sleep 4725'), abortAfterMs: 300 },
} as const satisfies Record<string, Step>

const names = Object.keys(steps) as (keyof typeof steps)[]

describe.skipIf(skipped || trial === undefined)('a run', () => {
  let outcome: Outcome
  const of = (name: keyof typeof steps): StepOutcome => outcome.steps[names.indexOf(name)]!

  beforeAll(async () => {
    outcome = await carryOut(trial!, Object.values(steps))
  })

  test('passes exit codes on', () => {
    expect(of('success')).toMatchObject({ exitCode: 0, stdout: '', stderr: '' })
    expect(of('failure').exitCode).toBe(7)
    expect(of('signalled')).toMatchObject({ exitCode: 137, stdout: '143\n' })
  })

  test('a program that is not there is 127, one that may not run is 126; both are named', () => {
    expect(of('missing')).toMatchObject({ exitCode: 127, stderr: 'no-such-program: not found\n' })
    expect(of('notExecutable')).toMatchObject({ exitCode: 126, stderr: '/etc/passwd: EACCES\n' })
  })

  test('has exactly the environment asked for', () => {
    expect(of('environment').stdout).toBe('PATH=/bin\nA.B=dots\nTEXT=two words\nand lines\nUTF=é\nKEY=s3cret\n')
  })

  test('is the user and has the groups asked for, in the folder asked for', () => {
    expect(of('identity').stdout).toBe('33\n33\n33 44\n/home\n0022\n')
  })

  test('can open its output by name; its input is empty', () => {
    expect(of('streams')).toMatchObject({ exitCode: 0, stdout: 'out\n', stderr: 'err\n' })
  })

  test('resolves names as the host does, with the extra hosts', () => {
    expect(of('hosts').stdout).toMatch(/^127.0.0.1\tlocalhost box\n[^]*10.1.2.3\tdb\n$/)
    expect(of('resolver').stdout).toBe(readFileSync('/etc/resolv.conf', 'utf8'))
  })

  test('has the usual devices, as any user, and a script of its own', () => {
    expect(of('devices')).toMatchObject({ stdout: '3\nfine\n', stderr: '' })
    expect(of('script').stdout).toBe('from a script\n')
  })

  test('has the limits asked for, and the next one has not', () => {
    expect(of('limits').stdout).toBe('99\n199\n')
    expect(of('afterLimits').stdout).not.toBe('199\n')
  })

  test('cannot be without network', () => {
    expect(of('noNetwork').error?.code).toBe('host-unsupported')
  })

  test('leaves no process, whatever became of it, and ends at once when aborted', () => {
    expect(of('background')).toMatchObject({ exitCode: 0, stdout: 'started\n' })
    expect(of('many').exitCode).toBe(0)
    expect(of('aborted')).toMatchObject({ stdout: 'begun\n', error: { code: 'cancelled' } })
    expect(of('aborted').ms).toBeLessThan(2000)
    expect(running('sleep 472')).toEqual([])
    expect(outcome.processesLeft).toEqual([])
  })

  test('leaves the tree as it was, whatever it did to what is not of the tree', () => {
    const own = ['bin', 'dev', 'etc', 'etc/group', 'etc/passwd', 'home', 'proc', 'root', 'sys', 'tmp']
    expect(outcome.tree).toEqual(own)
    expect(outcome.times['etc']?.[1]).toBe(outcome.times['etc']?.[0])
    expect(outcome.mountsLeft).toEqual([])
  })

  test('makes what it needs in an empty image and removes it', async () => {
    const bare = await carryOut(trial!, [shell('ls /; ls -d /etc/hosts')], { bare: true })
    expect(bare.steps[0]?.stdout).toBe('bin\ndev\netc\nproc\nsys\n/etc/hosts\n')
    expect(bare.tree).toEqual(['bin'])
    expect(bare.times['']?.[1]).toBe(bare.times['']?.[0])
  })

  test('keeps the time that it gave to a folder itself', async () => {
    const { times } = await carryOut(trial!, [shell('sleep 0.1; touch /etc/new')])
    expect(times['etc']?.[1]).not.toBe(times['etc']?.[0])
  })

  test('waits until no other one runs: two roots could hand each other the way out', async () => {
    const script = 'mkdir /tmp/running && sleep 0.3 && rmdir /tmp/running && echo alone'
    const both = await carryOut(trial!, [shell(script), shell(script)], { parallel: true })
    expect(both.steps.map(({ stdout }) => stdout)).toEqual(['alone\n', 'alone\n'])
    expect(Math.max(...both.steps.map(({ ms }) => ms))).toBeGreaterThan(600)
  })

  test.each([
    ['at its start', {}, 0],
    ['as root', {}, 300],
    ['as another user', user33, 300],
  ])('dies with its outer process, %s', async (_when, ids, afterMs) => {
    const job = jobOf(trial!, [shell('setsid sleep 4726 & sleep 4726; true', ids)])
    const child = spawn(process.execPath, [await runnerFile(), job], { stdio: 'ignore', cwd: '/' })
    await until(() => running('sleep 4726').length > 0)
    await delay(afterMs)
    child.kill('SIGKILL')
    await once(child, 'exit')
    await until(() => running('sleep 4726').length === 0)
  })
})

/** Perl with its libraries: it makes any system call without a compiler. */
function perlFiles(): string[] {
  const perl = programPath('perl') ?? ''
  const libraries = execFileSync('ldd', [perl], { encoding: 'utf8' }).match(/\/\S+/g) ?? []
  return [perl, ...libraries].filter((path) => existsSync(path))
}

const x64 = process.arch === 'x64' ? undefined : 'the numbers of the system calls are those of x86-64'
const noPerl = skipped || lacks('tools', missingTools('perl', 'ldd') ?? x64)

/** Each line prints its name if it worked. Numbers of calls are those of x86-64. */
const tricks = {
  'double chroot': `mkdir "/tmp/in"; chroot("/tmp/in") and print "a second chroot"`,
  'user namespace': `syscall(272, 0x10000000) == 0 and print "a user namespace"`,
  'mount namespace': `syscall(272, 0x20000) == 0 and print "a mount namespace"`,
  mount: `my ($a, $b) = ("tmpfs", "/tmp"); syscall(165, $a, $b, $a, 0, 0) == 0 and print "a mount"`,
  'device of the disk': `my $p = "/tmp/disk"; syscall(133, $p, 0060666, 0x0800) == 0 and print "a block device"`,
  'kernel memory': `my $p = "/tmp/mem"; syscall(133, $p, 0020666, 0x0101) == 0 and print "a device of memory"`,
  'open descriptors': `for my $fd (3 .. 400) { print "descriptor $fd" if open(my $h, "<&=$fd") }`,
  'the root of another process': `for my $pid (1, @runner@, getppid()) { print "root of $pid" if opendir(my $d, "/proc/$pid/root") }`,
  'parent folders': `my @s = stat("/" . "../" x 50); my @r = stat("/"); print "above the root" if "@s[0,1]" ne "@r[0,1]"`,
  'file handles': `my $h = pack("IIQ", 8, 1, 2) . "\\0" x 120; syscall(304, -100, $h, 0) >= 0 and print "a file by its handle"`,
  'tracing the builder': `for my $pid (@runner@, getppid()) { syscall(101, 16, $pid, 0, 0) == 0 and print "traced $pid" }`,
  'its descriptors': `for my $pid (@runner@, getppid()) { my $p = syscall(434, $pid, 0); $p >= 0 and syscall(438, $p, 3, 0) >= 0 and print "took one" }`,
  'its memory': `my $to = "\\0" x 8; my $l = pack("PQ", $to, 8); my $r = pack("QQ", 0x400000, 8);
    for my $pid (@runner@, getppid()) { syscall(310, $pid, $l, 1, $r, 1, 0) > 0 || $! == 14 and print "read $pid" }`,
  'its network': `socket(my $s, 17, 3, 0x0300) and print "a raw socket"`,
} as const

/** The same calls where they are allowed: on a child, which has the same rights. */
const controls = `my $pid = fork(); if ($pid == 0) { sleep 60; exit }
  my $p = syscall(434, $pid, 0); syscall(438, $p, 0, 0) >= 0 and print "took ";
  my $there = "secret"; my $at = unpack("Q", pack("p", $there)); my $to = "\\0" x 6;
  my $l = pack("PQ", $to, 6); my $r = pack("QQ", $at, 6); syscall(310, $$ + 0, $l, 1, $r, 1, 0) == 6 and print "read ";
  syscall(101, 16, $pid, 0, 0) == 0 and print "traced "; kill("KILL", $pid)`

describe.skipIf(noPerl)('a run that is root', () => {
  let outcome: Outcome
  const entries = Object.entries(tricks)

  beforeAll(async () => {
    const perl = programPath('perl') ?? ''
    const step = (script: string, ids = {}): Step => ({ spec: { args: [perl, '-e', script], ...ids } })
    const signals = `for my $pid (@runner@, getppid()) { print "signal to $pid" if kill(0, $pid) }`
    outcome = await carryOut(
      trial!,
      [
        ...entries.map(([, script]) => step(`${script}; print "tried"`)),
        step(`${signals}; print "tried"`, user33),
        step('kill "KILL", getppid(); sleep 4727'),
        step('print "works"'),
        step(controls),
      ],
      { programs: perlFiles() },
    )
  })

  test.each(entries.map(([name], i) => [name, i] as const))('does not get out or in: %s', (_name, i) => {
    expect(outcome.steps[i]).toMatchObject({ exitCode: 0, stdout: 'tried', stderr: '' })
  })

  test('could do so to its own processes', () => {
    expect(outcome.steps[entries.length + 3]).toMatchObject({ exitCode: 0, stdout: 'took read traced ', stderr: '' })
  })

  test('cannot signal the builder as another user', () => {
    expect(outcome.steps[entries.length]).toMatchObject({ stdout: 'tried', stderr: '' })
  })

  test('can kill its keeper, which ends it and all of it, and nothing else', () => {
    expect(outcome.steps[entries.length + 1]?.error?.code).toBe('sandbox-failed')
    expect(outcome.steps[entries.length + 2]).toMatchObject({ exitCode: 0, stdout: 'works' })
    expect(outcome.processesLeft).toEqual([])
  })
})
