import { expect, test } from 'vitest'
import { runArguments } from '../../src/sandbox/arguments.ts'
import type { ProcessSpec } from '../../src/sandbox/contract.ts'
import { hostsFile } from '../../src/sandbox/host-files.ts'

const spec: ProcessSpec = {
  args: ['make', '-j'],
  env: ['PATH=/bin', 'A.B=c', 'LD_PRELOAD=/x.so', 'nothing'],
  cwd: '/src',
  uid: 33,
  gid: 44,
  supplementaryGids: [44, 55],
  network: 'host',
  hostname: 'h',
  extraHosts: [],
  stdio: { kind: 'null' },
}
const places = { root: '/r', tool: (name: string) => `/usr/bin/${name}`, table: true, job: false }

const after = (list: readonly string[], item: string): string[] => list.slice(list.lastIndexOf(item) + 1)

test('ends in the program, with its own environment, folder and user', () => {
  const argv = runArguments(spec, places)
  expect(after(argv, '/usr/bin/env')).toEqual([
    ...['-i', 'PATH=/bin', 'A.B=c', 'LD_PRELOAD=/x.so'],
    ...['/usr/bin/unshare', '--root=.', '--wd=/src', '--setuid=33', '--', 'make', '-j'],
  ])
})

test('variables of the loader are set in the image if it can, not for the programs of the host', () => {
  const argv = runArguments(spec, { ...places, imageEnv: '/usr/bin/env' })
  const last = argv.slice(argv.indexOf('--wd=/src'))
  expect(last).toEqual(['--wd=/src', '--setuid=33', '--', '/usr/bin/env', 'LD_PRELOAD=/x.so', 'make', '-j'])
})

test('limits are set after everything that may need more, just before the environment', () => {
  const limits = [
    { name: 'nofile', soft: 10, hard: 20 },
    { name: 'core', soft: 0, hard: -1 },
  ]
  const argv = runArguments({ ...spec, limits }, places)
  const from = argv.indexOf('/usr/bin/prlimit')
  expect(argv.slice(from - 1, from + 5)).toEqual([
    ...['--', '/usr/bin/prlimit', '--nofile=10:20', '--core=0:unlimited', '--', '/usr/bin/env'],
  ])
})

test('a job is started by a shell that has job control; others are not', () => {
  const [program, , script] = runArguments(spec, { ...places, job: true })
  expect(program).toBe('/usr/bin/sh')
  expect(script).toContain('set -m')
  expect(runArguments(spec, places)[0]).toBe('/usr/bin/unshare')
})

test('the control group is an argument of the prologue, empty if there is none', () => {
  const groupOf = (argv: string[]): string | undefined => argv[argv.indexOf('/usr/bin/mount') + 3]
  expect(groupOf(runArguments({ ...spec, cgroup: '/g' }, places))).toBe('/g')
  expect(groupOf(runArguments(spec, places))).toBe('')
})

test('root keeps its id and has no groups but those asked for', () => {
  const argv = runArguments({ ...spec, uid: 0, gid: 0, supplementaryGids: [] }, places)
  expect(argv).toContain('--clear-groups')
  expect(argv.some((arg) => arg.startsWith('--setuid'))).toBe(false)
})

test('namespaces of the run are entered by their files', () => {
  const argv = runArguments(spec, { ...places, network: '/n', userNamespace: '/u' })
  expect(argv.indexOf('--net=/n')).toBeLessThan(argv.indexOf('--pid'))
  expect(argv.indexOf('--user=/u')).toBeGreaterThan(argv.indexOf('--pid'))
})

test('the hosts file names the run and ends with the extra hosts', () => {
  const lines = hostsFile('box', [['db', '10.0.0.1']]).split('\n')
  expect(lines[0]).toBe('127.0.0.1\tlocalhost box')
  expect(lines.slice(-2)).toEqual(['10.0.0.1\tdb', ''])
})

test('secret variables are no arguments, and win over others of their name', () => {
  const env = [...spec.env, 'TOKEN=of the image']
  const argv = runArguments({ ...spec, env, secretEnv: ['TOKEN=hidden'] }, places)
  expect(argv.join(' ')).not.toContain('hidden')
  const own = ['PATH', 'LC_ALL', 'PWD', 'OLDPWD', 'SHLVL', '_'].flatMap((name) => ['-u', name])
  const from = argv.lastIndexOf('/usr/bin/env') + 1
  expect(argv.slice(from, argv.lastIndexOf('/usr/bin/unshare'))).toEqual([
    ...own,
    ...['PATH=/bin', 'A.B=c', 'LD_PRELOAD=/x.so'],
  ])
})
