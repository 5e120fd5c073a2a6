/** What doctor says of machines, and addresses to listen on. */
import { describe, expect, it } from 'vitest'
import { machineFindings, modeFindings } from '../../src/cli/findings.ts'
import { isLoopback, parseListenAddress } from '../../src/cli/listen-address.ts'
import { placeFindings, registryFindings } from '../../src/cli/place-findings.ts'
import { storeRoot } from '../../src/cli/store.ts'
import type { Facts, Finding, SubIds } from '../../src/host/contract.ts'
import type { DiskState } from '../../src/host/survey.ts'
import { defaultContainer, dockerCapabilities, ordinaryUser, rootUser } from '../support/facts.ts'

const findingsOf = (facts: Facts): Finding[] => [...machineFindings(facts), ...modeFindings(facts)]
const wrong = (facts: Facts): string[] =>
  findingsOf(facts)
    .filter(({ level }) => level !== 'ok')
    .map(({ name, level }) => `${level} ${name}`)

const container: Facts = { ...ordinaryUser, ...defaultContainer }

const machines: readonly (readonly [what: string, facts: Facts, findings: readonly string[]])[] = [
  ['a machine that has all', ordinaryUser, []],
  ['root', rootUser, []],
  [
    'missing helpers',
    { ...ordinaryUser, tools: withoutHelpers(ordinaryUser.tools) },
    ['note newuidmap', 'note mode mapped'],
  ],
  ['missing ranges', { ...ordinaryUser, subuids: [] }, ['note subordinate ids', 'note mode mapped']],
  ['a range that is small', { ...ordinaryUser, subuids: [{ first: 5, count: 9 }] }, ['note subordinate ids']],
  ['small ranges that are enough together', withRanges(range(1, 999), range(1001, 64535)), []],
  [
    'ranges that a container does not have',
    { ...ordinaryUser, uidMap: [{ inside: 0, outside: 9, count: 65536 }] },
    ['note subordinate ids', 'note mode mapped'],
  ],
  ['no_new_privs', { ...ordinaryUser, noNewPrivs: true }, ['note no_new_privs', 'note mode mapped']],
  ['an old kernel', { ...ordinaryUser, kernel: '5.4.0-generic' }, ['missing kernel']],
  ['no notifications', { ...ordinaryUser, seccompActions: ['kill'] }, ['note seccomp']],
  ['a masked /proc', { ...ordinaryUser, procMasked: true }, ['note proc']],
  [
    'a default container',
    container,
    [
      'missing user namespaces',
      'note newuidmap',
      'note proc',
      'missing mode mapped',
      'missing mode single',
      'missing mode chroot',
    ],
  ],
  [
    'a default container, for its root',
    { ...rootUser, ...defaultContainer, capabilities: dockerCapabilities },
    ['note user namespaces', 'note proc', 'note mode mapped', 'note mode single'],
  ],
]

function range(first: number, count: number): SubIds {
  return { first, count }
}

function withRanges(...ranges: SubIds[]): Facts {
  return { ...ordinaryUser, gid: 1000, subuids: ranges, subgids: ranges }
}

function withoutHelpers(tools: Facts['tools']): Facts['tools'] {
  return Object.fromEntries(Object.entries(tools).filter(([name]) => !name.startsWith('new')))
}

describe('doctor', () => {
  it.each(machines)('finds on a machine with %s', (_what, facts, findings) => {
    expect(wrong(facts)).toEqual(findings)
  })

  it('gives a fix for everything that is missing', () => {
    const without = machines.flatMap(([, facts]) =>
      findingsOf(facts).filter(({ level, fix }) => level === 'missing' && fix === undefined),
    )
    expect(without).toEqual([])
  })

  it('says who shares the ids of the host', () => {
    const found = (facts: Facts): string | undefined =>
      machineFindings(facts).find(({ name }) => name === 'user ids')?.found
    expect(found(ordinaryUser)).toContain('hostUsers: true')
    expect(found({ ...ordinaryUser, uidMap: [{ inside: 0, outside: 65536, count: 65536 }] })).toBe(
      'of a user namespace (hostUsers: false): 0+65536 from 65536',
    )
  })
})

describe('doctor on the store', () => {
  const disk: DiskState = { fsType: 0xef53, freeBytes: 5e9, reflinks: false }
  const wrongPlaces = (changed: Partial<DiskState>, facts: Facts = ordinaryUser): Finding[] =>
    placeFindings('/s', { disk: { ...disk, ...changed }, cgroups: { delegated: false } }, facts).filter(
      ({ level }) => level !== 'ok',
    )

  it('has nothing against ext4', () => {
    expect(wrongPlaces({})).toEqual([])
    expect(placeFindings('/s', { disk, cgroups: { delegated: true } }, ordinaryUser)[0]?.found).toBe(
      '/s (ext4, 5GB free)',
    )
  })

  it.each([
    ['an overlay in docker', container, 'docker run -v wherry:/s'],
    ['an overlay in a pod', inPod(container), 'emptyDir volume at /s'],
    ['an overlay elsewhere', ordinaryUser, '--root DIR'],
  ])('names the volume for %s', (_what, facts, fix) => {
    expect(wrongPlaces({ fsType: 0x794c7630 }, facts)).toMatchObject([
      { name: 'snapshots', level: 'note', fix: expect.stringContaining(fix) as string },
    ])
  })

  it('warns of a full disk', () => {
    expect(wrongPlaces({ freeBytes: 1e6 })).toMatchObject([
      { name: 'store', fix: expect.stringContaining('prune') as string },
    ])
    expect(wrongPlaces({ freeFiles: 0 })).toHaveLength(1)
  })
})

function inPod(facts: Facts): Facts {
  return { ...facts, confinement: { ...facts.confinement, runtime: 'kubernetes' } }
}

describe('doctor on registries', () => {
  const file = { path: '/h/.docker/config.json', servers: ['docker.io'], helpers: [{ program: 'docker-credential-x' }] }

  it('names files, servers and helpers', () => {
    const inventory = { files: [file], rules: ['example.com (blocked)'], problems: [] }
    expect(registryFindings(inventory, () => true).map(({ found }) => found)).toEqual([
      'example.com (blocked)',
      '/h/.docker/config.json: docker.io, docker-credential-x',
    ])
  })

  it('misses helpers and tells of files that are broken', () => {
    const inventory = { files: [file], rules: [], problems: ['/etc/x is not valid TOML'] }
    expect(registryFindings(inventory, () => false).filter(({ level }) => level === 'missing')).toMatchObject([
      { name: 'registries', found: '/etc/x is not valid TOML' },
      { name: 'credentials', fix: expect.stringContaining('install docker-credential-x') as string },
    ])
  })
})

describe('addresses', () => {
  it.each([
    ['127.0.0.1:5000', { host: '127.0.0.1', port: 5000 }],
    ['5000', { host: '127.0.0.1', port: 5000 }],
    [':0', { host: '0.0.0.0', port: 0 }],
    ['[::1]:80', { host: '::1', port: 80 }],
  ])('%s', (text, address) => {
    expect(parseListenAddress(text)).toEqual(address)
  })

  it.each(['host', 'host:', '127.0.0.1:70000', 'a:b:1'])('refuses %s', (text) => {
    expect(() => parseListenAddress(text)).toThrow('is not HOST:PORT')
  })

  it('knows loopback', () => {
    expect(['127.0.0.1', '127.1.2.3', '::1', 'localhost', '0.0.0.0', '10.0.0.1'].map(isLoopback)).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
    ])
  })
})

describe('the store', () => {
  it.each([
    ['given', { HOME: '/h', XDG_DATA_HOME: '/x' }, '/work/given'],
    [undefined, { HOME: '/h', XDG_DATA_HOME: '/x' }, '/x/wherry'],
    [undefined, { HOME: '/h', XDG_DATA_HOME: 'relative' }, '/h/.local/share/wherry'],
    ['', { HOME: '/h' }, '/h/.local/share/wherry'],
  ])('%s %j is %s', (root, env, expected) => {
    expect(storeRoot(root, { env, cwd: '/work' })).toBe(expected)
  })
})
