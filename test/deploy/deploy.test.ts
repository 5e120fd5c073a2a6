/** The files of deploy/: well-formed, with command lines that wherry takes, and rights that give the mode that they promise and no more. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { choose } from '../../src/host/choose.ts'
import {
  type WherryPod,
  deployDocuments,
  deployFiles,
  deployText,
  factsIn,
  podsOf,
  readCommandLine,
  seccompProfile,
  wherryLines,
} from '../support/deploy.ts'

const files = deployFiles()
const withPods = files.filter((path) => podsOf(deployDocuments(path)).length > 0)

/** Every wherry command line of a file: arguments of containers, scripts and commands of pipelines. */
function linesOf(path: string): string[][] {
  const args = podsOf(deployDocuments(path)).flatMap(({ container }) =>
    container.args === undefined ? [] : [['wherry', ...container.args]],
  )
  return [...args, ...wherryLines(deployText(path))]
}

describe.each(files)('deploy/%s', (path) => {
  test('is well-formed and says what it is for', () => {
    expect(deployDocuments(path).length).toBeGreaterThan(0)
    expect(deployText(path)).toMatch(/^(#|\/\/) \S/)
  })

  test('has command lines that wherry takes', { timeout: 60_000 }, async () => {
    const lines = linesOf(path)
    expect(lines.filter((line) => line[1] === 'build')).not.toEqual([])
    for (const line of lines) await readCommandLine(line)
  })

  test('is told of in docs/ci.md', () => {
    expect(readFileSync(join(import.meta.dirname, '../../docs/ci.md'), 'utf8')).toContain(`(../deploy/${path})`)
  })
})

test('a command line that wherry does not take is found', { timeout: 60_000 }, async () => {
  const [line = []] = wherryLines('  - run: wherry build --no-such-option "$NAME" .')
  expect(line).toEqual(['wherry', 'build', '--no-such-option', '$NAME', '.'])
  await expect(readCommandLine(line)).rejects.toThrow('unknown option --no-such-option')
})

test('the seccomp profile leaves what wherry needs and forbids no call twice', () => {
  const profile = JSON.parse(readFileSync(seccompProfile, 'utf8')) as { syscalls: { names: string[] }[] }
  const forbidden = profile.syscalls.flatMap(({ names }) => names)
  expect(new Set(forbidden).size).toBe(forbidden.length)
  const needed = [
    'clone',
    'unshare',
    'setns',
    'mount',
    'umount2',
    'fsopen',
    'move_mount',
    'process_vm_readv',
    'seccomp',
  ]
  expect(forbidden.filter((name) => needed.includes(name))).toEqual([])
})

const modes: Readonly<Record<string, string>> = {
  'kubernetes/mapped.yaml': 'mapped',
  'kubernetes/cache.yaml': 'mapped',
  'kubernetes/user-namespace.yaml': 'mapped',
  'kubernetes/single.yaml': 'single',
  'kubernetes/token.yaml': 'single',
  'kubernetes/chroot.yaml': 'chroot',
  'kubernetes/without-run.yaml': 'none',
  'tekton/task.yaml': 'mapped',
  'ci/Jenkinsfile': 'mapped',
}

function modeIn(pod: WherryPod): string {
  const choice = choose(factsIn(pod), 'auto')
  return choice.ok ? choice.mode.kind : 'none'
}

describe('pods', () => {
  test('are all in the table of modes', () => {
    expect(Object.keys(modes).sort()).toEqual(withPods)
  })

  test.each(Object.entries(modes))('of %s give mode %s', (path, mode) => {
    expect(podsOf(deployDocuments(path)).map(modeIn)).toEqual([mode])
  })

  test.each(withPods)('of %s are never privileged, and drop every capability but those named', (path) => {
    for (const { container, volumes } of podsOf(deployDocuments(path))) {
      const { securityContext } = container
      expect(securityContext).toMatchObject({ capabilities: { drop: ['ALL'] } })
      expect(securityContext?.privileged).toBeUndefined()
      expect(securityContext?.capabilities?.add ?? []).not.toContain('SYS_ADMIN')
      expect(securityContext).toHaveProperty('allowPrivilegeEscalation')
      for (const { name } of container.volumeMounts ?? []) expect(volumes).toContain(name)
    }
  })

  const needed: readonly (readonly [path: string, right: string, take: (pod: WherryPod) => WherryPod])[] = [
    ['kubernetes/mapped.yaml', 'no seccomp filter', without({ seccompProfile: { type: 'RuntimeDefault' } })],
    ['kubernetes/mapped.yaml', 'privilege escalation', without({ allowPrivilegeEscalation: false })],
    ['kubernetes/mapped.yaml', 'SETUID', without({ capabilities: { drop: ['ALL'], add: ['SETGID'] } })],
    ['kubernetes/single.yaml', 'no seccomp filter', without({ seccompProfile: { type: 'RuntimeDefault' } })],
    ['kubernetes/chroot.yaml', 'root', without({ runAsUser: 1000 })],
    ['kubernetes/chroot.yaml', 'SYS_CHROOT', without({ capabilities: { drop: ['ALL'], add: ['SETGID', 'SETUID'] } })],
  ]

  test.each(needed)('of %s need %s', (path, _right, take) => {
    const [pod] = podsOf(deployDocuments(path))
    expect(modeIn(take(pod!))).not.toBe(modes[path])
  })
})

function without(changed: NonNullable<WherryPod['container']['securityContext']>): (pod: WherryPod) => WherryPod {
  return (pod) => ({
    ...pod,
    container: { ...pod.container, securityContext: { ...pod.container.securityContext, ...changed } },
  })
}
