/** Each way in which a machine refuses modes, with the cause that is named and the fix. */
import { describe, expect, test } from 'vitest'
import { helperAdvice, userNamespaceAdvice } from '../../src/host/advice.ts'
import { detectRuntime, isChrooted, seccompOf } from '../../src/host/confinement.ts'
import type { Confinement, Facts } from '../../src/host/contract.ts'
import { defaultContainer, dockerCapabilities, ordinaryUser, rootUser } from '../support/facts.ts'

const eperm = 'unshare: unshare failed: Operation not permitted'
const denied = 'mount: /tmp: permission denied.'
const confined = (changed: Partial<Confinement>): Pick<Facts, 'confinement'> => ({
  confinement: { ...ordinaryUser.confinement, ...changed },
})
const inContainer = (runtime: Confinement['runtime']): Partial<Facts> => ({
  ...defaultContainer,
  ...confined({ seccomp: 'filter', bounding: dockerCapabilities, runtime }),
})
const withSetting = (name: string, value: string, usernsRefusal: string): Partial<Facts> => ({
  sysctls: { [name]: value },
  usernsRefusal,
})

const refusals: readonly (readonly [what: string, facts: Partial<Facts>, cause: string, fix: string])[] = [
  ['busybox', { busyboxUnshare: true }, 'busybox-unshare', 'apk add util-linux'],
  ['no unshare', { tools: {} }, 'no-unshare', 'apt-get install util-linux'],
  [
    'RHEL and CIS',
    withSetting('user.max_user_namespaces', '0', 'unshare: unshare failed: No space left on device'),
    'max-user-namespaces',
    'sysctl -w user.max_user_namespaces=28633',
  ],
  [
    'the limit of a namespace around',
    withSetting('user.max_user_namespaces', '9', 'unshare: unshare failed: No space left on device'),
    'max-user-namespaces',
    'sysctl -w user.max_user_namespaces=',
  ],
  [
    'Debian 10',
    withSetting('kernel.unprivileged_userns_clone', '0', eperm),
    'unprivileged-userns-clone',
    'sysctl -w kernel.unprivileged_userns_clone=1',
  ],
  [
    'Ubuntu 24.04',
    withSetting('kernel.apparmor_restrict_unprivileged_userns', '1', denied),
    'apparmor-userns',
    'sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
  ],
  ['a chroot', { ...confined({ chrooted: true }), usernsRefusal: eperm }, 'in-chroot', 'unshare --root'],
  ['docker', inContainer('docker'), 'seccomp', 'docker run --security-opt seccomp=unconfined'],
  ['podman', inContainer('podman'), 'seccomp', 'podman run --security-opt seccomp=unconfined'],
  ['Kubernetes', inContainer('kubernetes'), 'seccomp', 'seccompProfile: {type: Unconfined}'],
  ['GitLab', inContainer('gitlab'), 'seccomp', 'security_opt = ["seccomp:unconfined"]'],
  ['LXC', inContainer('lxc'), 'seccomp', 'nesting'],
  [
    'a systemd service',
    { ...confined({ seccomp: 'filter' }), usernsRefusal: eperm },
    'seccomp',
    'RestrictNamespaces=no',
  ],
  [
    "docker's AppArmor profile",
    {
      ...inContainer('docker'),
      ...confined({ runtime: 'docker', label: 'docker-default (enforce)' }),
      usernsRefusal: denied,
    },
    'apparmor-profile',
    '--security-opt apparmor=unconfined',
  ],
  [
    'the AppArmor profile of a pod',
    { ...confined({ runtime: 'kubernetes', label: 'cri-containerd.apparmor.d (enforce)' }), usernsRefusal: denied },
    'apparmor-profile',
    'appArmorProfile: {type: Unconfined}',
  ],
]

describe('user namespaces', () => {
  test('are not refused where nothing refuses them', () => {
    expect(userNamespaceAdvice(ordinaryUser)).toBeUndefined()
    expect(userNamespaceAdvice({ ...ordinaryUser, sysctls: { 'user.max_user_namespaces': '96000' } })).toBeUndefined()
  })

  test.each(refusals)('refused by %s', (_what, facts, cause, fix) => {
    expect(userNamespaceAdvice({ ...ordinaryUser, ...facts })).toMatchObject({
      cause,
      fix: expect.stringContaining(fix) as string,
    })
  })

  test('refused for no known reason say what the kernel said', () => {
    expect(userNamespaceAdvice({ ...ordinaryUser, usernsRefusal: 'something new' })).toEqual({
      cause: 'userns-refused',
      reason: 'user namespaces are refused (something new)',
      fix: undefined,
    })
  })

  test('of root are not refused by what binds ordinary users', () => {
    const facts = { ...rootUser, ...withSetting('kernel.unprivileged_userns_clone', '0', eperm) }
    expect(userNamespaceAdvice(facts)?.cause).toBe('userns-refused')
  })
})

const withoutSysAdmin = confined({ runtime: 'docker', bounding: dockerCapabilities })
const helpers: readonly (readonly [what: string, facts: Partial<Facts>, cause: string, fix: string])[] = [
  ['missing', { tools: { unshare: '/usr/bin/unshare' } }, 'no-newuidmap', 'apt-get install uidmap'],
  ['without ranges', { subuids: [] }, 'no-subids', 'usermod --add-subuids 165536-231071'],
  ['without a name for their caller', { user: '1234', subuids: [] }, 'no-subids', 'echo 1234:165536:65536'],
  [
    'not setuid',
    { helperPrivileges: { newuidmap: 'none', newgidmap: 'setuid' } },
    'newuidmap-unprivileged',
    'sudo chmod u+s /usr/bin/newuidmap',
  ],
  ['under no_new_privs', { noNewPrivs: true }, 'no-new-privs', 'NoNewPrivileges=no'],
  [
    'under no_new_privs in a pod',
    { noNewPrivs: true, ...confined({ runtime: 'kubernetes' }) },
    'no-new-privs',
    'allowPrivilegeEscalation: true',
  ],
  ['setuid in a container', withoutSysAdmin, 'newuidmap-bounded', 'setcap cap_setuid+ep /usr/bin/newuidmap'],
  ['with all capabilities dropped', confined({ bounding: '0' }), 'newuidmap-bounded', 'SETUID and SETGID'],
]

describe('newuidmap and newgidmap', () => {
  test('are fine on a common machine, and with file capabilities in a container', () => {
    expect(helperAdvice(ordinaryUser)).toBeUndefined()
    const helperPrivileges = { newuidmap: 'capability', newgidmap: 'capability' } as const
    expect(helperAdvice({ ...ordinaryUser, ...withoutSysAdmin, helperPrivileges })).toBeUndefined()
  })

  test.each(helpers)('%s', (_what, facts, cause, fix) => {
    expect(helperAdvice({ ...ordinaryUser, ...facts })).toMatchObject({
      cause,
      fix: expect.stringContaining(fix) as string,
    })
  })
})

const root = '1 0 0:1 / / rw - ext4 /dev/vda rw'
const overlayRoot = '1 0 0:1 / / rw - overlay overlay rw'
const hosts = `${overlayRoot}\n2 1 0:1 /x /etc/hosts rw - ext4 /dev/vda rw`
const places: readonly (readonly [
  what: string,
  signs: Partial<Parameters<typeof detectRuntime>[0]>,
  runtime: unknown,
])[] = [
  ['a machine', {}, undefined],
  ['a machine made from an image', { exists: (path) => path === '/.dockerenv' }, undefined],
  ['docker', { exists: (path) => path === '/.dockerenv', mountinfo: hosts }, 'docker'],
  ['docker in version 1 of cgroups', { cgroup: '1:name=systemd:/docker/ab', mountinfo: hosts }, 'docker'],
  ['GitLab', { env: { GITLAB_CI: 'true' }, exists: (path) => path === '/.dockerenv', mountinfo: hosts }, 'gitlab'],
  ['podman', { exists: (path) => path === '/run/.containerenv' }, 'podman'],
  ['a pod', { env: { KUBERNETES_SERVICE_HOST: '10.0.0.1' }, exists: () => true, mountinfo: hosts }, 'kubernetes'],
  ['LXC', { env: { container: 'lxc' } }, 'lxc'],
  ['anything else on an overlay', { mountinfo: overlayRoot }, 'other'],
]

describe('the container around', () => {
  test.each(places)('%s', (_what, signs, runtime) => {
    expect(detectRuntime({ env: {}, exists: () => false, cgroup: '0::/', mountinfo: root, ...signs })).toBe(runtime)
  })

  test('a chroot shows no mount at its root', () => {
    expect([root, hosts, '2 1 0:1 / /proc rw - proc proc rw', ''].map(isChrooted)).toEqual([false, false, true, false])
  })

  test('a seccomp filter is read from the status', () => {
    expect(['Seccomp:\t2\nSeccomp_filters:\t1', 'Seccomp:\t0', ''].map(seccompOf)).toEqual(['filter', 'none', 'none'])
  })
})
