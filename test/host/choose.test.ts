import { describe, expect, test } from 'vitest'
import { WherryError } from '../../src/core/errors.ts'
import { choose, chosenMode } from '../../src/host/choose.ts'
import type { Facts } from '../../src/host/contract.ts'
import { defaultContainer, dockerCapabilities, ordinaryUser, rootUser } from '../support/facts.ts'

const range = [{ first: 100000, count: 65536 }]
const oddRanges = [
  { first: 1, count: 999 },
  { first: 2001, count: 64535 },
]
const user = ordinaryUser
const root = rootUser

const cases: readonly (readonly [name: string, facts: Facts, mode: string, refused: readonly string[]])[] = [
  ['an ordinary user with subordinate ids', user, 'mapped-1000.1001+100000-65536', []],
  ['a user without a range', { ...user, subuids: [], subgids: [] }, 'single-1000.1001', ['mapped']],
  ['a user of another group', { ...user, gid: 7, subuids: [] }, 'single-1000.7', ['mapped']],
  ['a user without newuidmap', { ...user, tools: { unshare: '/usr/bin/unshare' } }, 'single-1000.1001', ['mapped']],
  ['a process that may not gain privileges', { ...user, noNewPrivs: true }, 'single-1000.1001', ['mapped']],
  [
    'different ranges of uids and gids',
    { ...user, subgids: [{ first: 7000, count: 70000 }] },
    'mapped-1000.1001+100000-65536-7000-70000',
    [],
  ],
  [
    'one large range of several',
    { ...user, subuids: [{ first: 5, count: 1 }, ...range] },
    'mapped-1000.1001+100000-65536',
    [],
  ],
  [
    'several small ranges',
    { ...user, subuids: oddRanges, subgids: oddRanges },
    'mapped-1000.1001+1-999+2001-64535',
    [],
  ],
  ['a range that lacks nobody', { ...user, subuids: [{ first: 9000, count: 65533 }] }, 'single-1000.1001', ['mapped']],
  [
    'root of a namespace with one id',
    { ...root, uidMap: [{ inside: 0, outside: 7, count: 1 }], gidMap: [{ inside: 0, outside: 8, count: 1 }] },
    'single-identity-0.7.1-0.8.1',
    ['mapped'],
  ],
  ['root without a range', root, 'mapped-1879048192-65536', []],
  ['root with a range', { ...root, subuids: range, subgids: range }, 'mapped-100000-65536', []],
  ['root whose range is too small', { ...root, subuids: [{ first: 9, count: 99 }] }, 'mapped-1879048192-65536', []],
  [
    'root where the usual range is taken',
    { ...root, takenIds: [{ first: 1879048000, count: 70000 }] },
    'mapped-1879179264-65536',
    [],
  ],
  [
    'root of a container with a map of its own',
    { ...root, uidMap: [{ inside: 0, outside: 100000, count: 65536 }] },
    'mapped-identity-0.100000.65536',
    [],
  ],
]

describe('auto', () => {
  test.each(cases)('chooses for %s', (_name, facts, mode, refused) => {
    const choice = choose(facts, 'auto')
    expect(choice.ok && choice.mode.idMap).toBe(mode)
    expect(choice.refused.map((refusal) => refusal.mode)).toEqual(refused)
  })

  test('maps the user itself to 0 and its range behind', () => {
    const { uids, gids, runIds } = chosenMode(choose(user, 'auto'))
    expect(uids).toEqual([
      { inside: 0, outside: 1000, count: 1 },
      { inside: 1, outside: 100000, count: 65536 },
    ])
    expect(gids[0]).toEqual({ inside: 0, outside: 1001, count: 1 })
    expect(runIds).toBeUndefined()
  })

  test('has few ids mapped only where that is asked for', () => {
    const few = { ...user, subuids: [{ first: 9000, count: 999 }] }
    expect(choose(few, 'auto').refused[0]).toMatchObject({
      cause: 'few-ids',
      fix: expect.stringContaining('usermod') as string,
    })
    expect(chosenMode(choose(few, 'mapped')).uids[1]).toEqual({ inside: 1, outside: 9000, count: 999 })
  })

  test('gives root every id of the host, but none of them to a RUN', () => {
    const { uids, runIds } = chosenMode(choose(root, 'auto'))
    expect(runIds).toBe(65536)
    expect(uids[0]).toEqual({ inside: 0, outside: 1879048192, count: 65536 })
    expect(uids.reduce((sum, { count }) => sum + count, 0)).toBe(4294967295)
    const starts = uids.map(({ inside }) => inside)
    expect(starts).toEqual([0, 65536, 1879048192 + 65536])
  })
})

describe('where user namespaces are refused', () => {
  const refused = (facts: Partial<Facts>): WherryError => {
    try {
      chosenMode(choose({ ...user, usernsRefusal: 'unshare: unshare failed: …', ...facts }, 'auto'))
    } catch (error) {
      if (error instanceof WherryError) return error
      throw error
    }
    throw new Error('a mode was chosen')
  }

  test.each([
    [{ sysctls: { 'user.max_user_namespaces': '0' } }, 'user.max_user_namespaces=28633'],
    [{ sysctls: { 'kernel.unprivileged_userns_clone': '0' } }, 'kernel.unprivileged_userns_clone=1'],
    [{ sysctls: { 'kernel.apparmor_restrict_unprivileged_userns': '1' } }, 'apparmor_restrict_unprivileged_userns=0'],
    [{ container: '/.dockerenv' }, 'seccomp=unconfined'],
    [{ tools: {} }, 'install util-linux'],
    [{ busyboxUnshare: true }, 'install util-linux'],
  ] as const)('%o is mended by %s', (facts, fix) => {
    const error = refused(facts)
    expect(error.code).toBe('host-unsupported')
    expect(error.hint).toContain(fix)
  })

  test('names every fix, each once', () => {
    const confinement = { ...user.confinement, seccomp: 'filter', runtime: 'kubernetes' } as const
    expect(refused({ container: 'KUBERNETES_SERVICE_HOST', confinement }).hint).toBe(
      'in the securityContext of the container: seccompProfile: {type: Unconfined}; or ' +
        'in the securityContext of the container: runAsUser: 0',
    )
  })
})

describe('chroot', () => {
  const container = { ...root, ...defaultContainer, capabilities: dockerCapabilities }

  test("is what is left to root of docker's default container", () => {
    const { kind, idMap, fidelity } = chosenMode(choose(container, 'auto'))
    expect({ kind, idMap, fidelity }).toEqual({ kind: 'chroot', idMap: 'chroot', fidelity: 'exact' })
    expect(choose(container, 'auto').refused.map(({ mode }) => mode)).toEqual(['mapped', 'single'])
  })

  test('has trees of its own where the ids of the container are others', () => {
    const uidMap = [{ inside: 0, outside: 231072, count: 65536 }]
    const { idMap } = chosenMode(choose({ ...container, uidMap, gidMap: uidMap }, 'chroot'))
    expect(idMap).toBe('chroot-0.231072.65536-0.231072.65536')
  })

  test('needs root', () => {
    expect(choose(user, 'chroot').refused).toMatchObject([{ mode: 'chroot', cause: 'not-root' }])
  })

  test.each([
    ['kubernetes', 'in the securityContext of the container: capabilities: {add: [SETPCAP, SYS_CHROOT]}'],
    ['podman', 'start the container with: podman run --cap-add SETPCAP --cap-add SYS_CHROOT'],
    ['docker', 'start the container with: docker run --cap-add SETPCAP --cap-add SYS_CHROOT'],
  ] as const)('names the capabilities that it lacks, as %s has them', (runtime, fix) => {
    const confinement = { ...container.confinement, runtime }
    const choice = choose({ ...container, confinement, capabilities: '00000000a80024fb' }, 'chroot')
    expect(choice.refused).toMatchObject([{ cause: 'chroot-capabilities', fix }])
    expect(choice.refused[0]?.reason).toContain('CAP_SETPCAP, CAP_SYS_CHROOT')
  })
})

test('root without CAP_SETUID maps nothing', () => {
  expect(choose({ ...root, capabilities: '0' }, 'auto').ok).toBe(false)
})

test('the fix for a missing range does not name ids of another user', () => {
  const choice = choose({ ...user, subuids: [], subgids: [] }, 'mapped')
  expect(choice.refused[0]?.fix).toBe('sudo usermod --add-subuids 165536-231071 --add-subgids 165536-231071 ada')
})
