/** Facts of imagined machines, for tests of what follows from them. */
import type { Facts, IdRange } from '../../src/host/contract.ts'

const everything: IdRange[] = [{ inside: 0, outside: 0, count: 4_294_967_295 }]
const range = [{ first: 100_000, count: 65_536 }]
const tools = ['unshare', 'nsenter', 'setpriv', 'mount', 'sh', 'env', 'newuidmap', 'newgidmap']

/** An ordinary user on a machine that lacks nothing. */
export const ordinaryUser: Facts = {
  uid: 1000,
  gid: 1001,
  user: 'ada',
  arch: 'x64',
  kernel: '6.1.0',
  capabilities: '0000000000000000',
  noNewPrivs: false,
  uidMap: everything,
  gidMap: everything,
  procMasked: false,
  sysctls: {},
  tools: Object.fromEntries(tools.map((name) => [name, `/usr/bin/${name}`])),
  busyboxUnshare: false,
  subuids: range,
  subgids: range,
  takenIds: range,
  seccompActions: ['kill', 'user_notif'],
  confinement: { seccomp: 'none', bounding: '000001ffffffffff', chrooted: false },
  helperPrivileges: { newuidmap: 'setuid', newgidmap: 'setuid' },
}

/** Root of the same machine. */
export const rootUser: Facts = {
  ...ordinaryUser,
  uid: 0,
  gid: 0,
  user: 'root',
  capabilities: '000001ffffffffff',
  subuids: [],
  subgids: [],
}

/** docker's default set of capabilities. */
export const dockerCapabilities = '00000000a80425fb'

/** What docker's default container adds to the facts. */
export const defaultContainer: Pick<Facts, 'container' | 'procMasked' | 'confinement' | 'usernsRefusal'> = {
  container: '/.dockerenv',
  procMasked: true,
  confinement: { seccomp: 'filter', bounding: dockerCapabilities, runtime: 'docker', chrooted: false },
  usernsRefusal: 'unshare: unshare failed: Operation not permitted',
}
