/** What is left out of a new system, and what it gets at the end: devices, no logs, no identity. */
import type { BytePath } from '../../core/bytepath.ts'
import { compareTreePaths } from '../../core/bytepath.ts'
import type { SealItem } from '../../layer/contract.ts'
import type { Entry } from '../../oci/contents.ts'

/** Files that differ each time and that nobody needs. Those that mmdebstrap deletes. */
const dropped: ReadonlySet<BytePath> = new Set([
  'var/log/dpkg.log',
  'var/log/apt/history.log',
  'var/log/apt/term.log',
  'var/log/apt/eipp.log.xz',
  'var/log/alternatives.log',
  'var/log/bootstrap.log',
  'var/cache/ldconfig/aux-cache',
  'var/cache/apt/pkgcache.bin',
  'var/cache/apt/srcpkgcache.bin',
  'var/lib/dbus/machine-id',
  'usr/sbin/policy-rc.d',
  'debootstrap',
  // The machine's own, for the time of the installation.
  'etc/hostname',
  'etc/resolv.conf',
])

/** What is below these is for the time of the installation; /run/lock is a part of the system. */
const emptied = ['dev/', 'run/', 'tmp/', 'var/lib/apt/lists/', 'debootstrap/']
const kept: ReadonlySet<BytePath> = new Set(['run/lock', 'var/lib/apt/lists/lock', 'var/lib/apt/lists/partial'])

/** Empty in an image, so that each machine made of it gets its own. machine-id(5). */
const machineId = 'etc/machine-id'

const link = 0o777
const device = 0o666

/** As debootstrap and mmdebstrap make them: a folder, the target of a link, or a device's numbers. */
const devices: readonly (readonly [name: string, mode: number, what: string | readonly [number, number]])[] = [
  ['console', device, [5, 1]],
  ['fd', link, '/proc/self/fd'],
  ['full', device, [1, 7]],
  ['null', device, [1, 3]],
  ['ptmx', device, [5, 2]],
  ['pts', 0o755, 'dir'],
  ['random', device, [1, 8]],
  ['shm', 0o755, 'dir'],
  ['stderr', link, '/proc/self/fd/2'],
  ['stdin', link, '/proc/self/fd/0'],
  ['stdout', link, '/proc/self/fd/1'],
  ['tty', device, [5, 0]],
  ['urandom', device, [1, 9]],
  ['zero', device, [1, 5]],
]

/** The items of a system that was just installed, made ready for an image. `time` (ns) is the mtime of what is added. */
export function finishedItems(items: readonly SealItem[], time: bigint): SealItem[] {
  const own = items.filter(({ entry }) => !isLeftOut(entry.path)).map(withoutIdentity)
  return [...own, ...deviceEntries(time).map((entry) => ({ entry }))].sort((a, b) =>
    compareTreePaths(a.entry.path, b.entry.path),
  )
}

function isLeftOut(path: BytePath): boolean {
  if (dropped.has(path) || /^var\/cache\/apt\/archives\/[^/]*\.deb$/.test(path)) return true
  return emptied.some((folder) => path.startsWith(folder)) && !kept.has(path) && !path.startsWith('run/lock/')
}

function withoutIdentity(item: SealItem): SealItem {
  if (item.entry.path !== machineId || item.entry.type !== 'file') return item
  const { sha256: _sha, offset: _offset, ...rest } = item.entry
  return { entry: { ...rest, size: 0, mode: 0o644 } }
}

function deviceEntries(mtime: bigint): Entry[] {
  return devices.map(([name, mode, what]): Entry => {
    const common = { path: `dev/${name}`, mode, uid: 0, gid: 0, size: 0, mtime }
    if (what === 'dir') return { ...common, type: 'dir' }
    if (typeof what === 'string') return { ...common, type: 'symlink', link: what }
    return { ...common, type: 'char', devMajor: what[0], devMinor: what[1] }
  })
}
