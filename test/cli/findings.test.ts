/** What doctor says of machines, and addresses to listen on. */
import { describe, expect, it } from 'vitest'
import { machineFindings, storeFinding } from '../../src/cli/findings.ts'
import { isLoopback, parseListenAddress } from '../../src/cli/listen-address.ts'
import { storeRoot } from '../../src/cli/store.ts'
import type { Facts } from '../../src/host/contract.ts'

const all = [{ inside: 0, outside: 0, count: 4_294_967_295 }]
const ada: Facts = {
  uid: 1000,
  gid: 1000,
  user: 'ada',
  arch: 'x64',
  kernel: '6.1.0',
  capabilities: '0',
  noNewPrivs: false,
  uidMap: all,
  gidMap: all,
  procMasked: false,
  sysctls: {},
  tools: Object.fromEntries(
    ['unshare', 'nsenter', 'setpriv', 'mount', 'sh', 'newuidmap', 'newgidmap'].map((name) => [
      name,
      `/usr/bin/${name}`,
    ]),
  ),
  busyboxUnshare: false,
  subuids: [{ first: 100_000, count: 65_536 }],
  subgids: [{ first: 100_000, count: 65_536 }],
  takenIds: [],
  seccompActions: ['kill', 'user_notif'],
}

const failing = (facts: Facts) => machineFindings(facts).filter((finding) => !finding.ok)

describe('doctor', () => {
  it('finds nothing wrong with a machine that has all', () => {
    expect(failing(ada)).toEqual([])
  })

  it('names the package for missing helpers', () => {
    const tools = Object.fromEntries(Object.entries(ada.tools).filter(([name]) => !name.startsWith('new')))
    expect(failing({ ...ada, tools })).toMatchObject([
      { name: 'newuidmap', fix: expect.stringContaining('uidmap') as string },
      { name: 'mode mapped', fix: expect.stringContaining('uidmap') as string },
    ])
  })

  it('gives the command for missing ranges', () => {
    expect(failing({ ...ada, subuids: [] })[0]).toMatchObject({
      name: 'subordinate ids',
      found: 'uids none, gids 100000+65536',
      fix: expect.stringContaining('usermod --add-subuids') as string,
    })
  })

  it('names the setting that forbids user namespaces', () => {
    const facts = { ...ada, usernsRefusal: 'unshare failed', sysctls: { 'user.max_user_namespaces': '0' } }
    expect(failing(facts).map((finding) => finding.name)).toEqual(['user namespaces', 'mode mapped', 'mode single'])
    expect(failing(facts)[0]?.fix).toContain('user.max_user_namespaces')
  })

  it('warns of stores that cannot hold unpacked layers', () => {
    expect(storeFinding({ root: '/s', fsType: 0xef53, freeBytes: 5e9 })).toEqual({
      name: 'store',
      ok: true,
      found: '/s (ext4, 5GB free)',
    })
    expect(storeFinding({ root: '/s', fsType: 0x6969, freeBytes: 5e9 })).toMatchObject({
      ok: false,
      found: '/s (nfs, 5GB free)',
    })
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
