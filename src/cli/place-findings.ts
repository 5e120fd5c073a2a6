/** What `wherry doctor` finds around the machine: the store's disk, control groups, registries and credentials; pure. */
import type { Facts, Finding } from '../host/contract.ts'
import type { DiskState, Survey } from '../host/survey.ts'
import type { RegistryInventory } from '../registry/inventory.ts'
import { humanSize } from '../ui/human.ts'

/** File systems by magic number: statfs(2). Those without overlay's upper folders are unfit for unpacked layers. */
const fileSystems: Readonly<Record<number, readonly [name: string, fit: boolean]>> = {
  0xef53: ['ext4', true],
  0x58465342: ['xfs', true],
  0x9123683e: ['btrfs', true],
  0x01021994: ['tmpfs', true],
  0x2fc12fc1: ['zfs', true],
  0xf2f52010: ['f2fs', true],
  0x794c7630: ['overlay', false],
  0x6969: ['nfs', false],
  0x65735546: ['fuse', false],
  0xff534d42: ['cifs', false],
  0xfe534d42: ['smb', false],
  0xf15f: ['ecryptfs', false],
}

/** Less than this and images of the usual size do not fit. */
const scarceBytes = 2e9

/** The findings on the store at `root` and on control groups. */
export function placeFindings(root: string, { disk, cgroups }: Survey, facts: Facts): Finding[] {
  return [storeFinding(root, disk), snapshotFinding(root, disk, facts), cgroupFinding(cgroups, facts)]
}

function storeFinding(root: string, disk: DiskState): Finding {
  const [type] = systemOf(disk)
  const found = `${root} (${type}, ${humanSize(disk.freeBytes, 3)} free)`
  if (disk.freeBytes >= scarceBytes && disk.freeFiles !== 0) return { name: 'store', level: 'ok', found }
  return { name: 'store', level: 'note', found, fix: 'wherry prune --all, or --root DIR on a disk with more room' }
}

function systemOf({ fsType }: DiskState): readonly [name: string, fit: boolean] {
  return fileSystems[fsType] ?? [`file system 0x${fsType.toString(16)}`, true]
}

function snapshotFinding(root: string, disk: DiskState, facts: Facts): Finding {
  const name = 'snapshots'
  const [type, fit] = systemOf(disk)
  if (fit) return { name, level: 'ok', found: 'overlay mounts' }
  const copies = disk.reflinks ? 'copies that share their bytes' : 'whole copies'
  return { name, level: 'note', found: `${copies}: no overlay can be written on ${type}`, fix: volumeFix(root, facts) }
}

function volumeFix(root: string, { confinement: { runtime } }: Facts): string {
  if (runtime === 'kubernetes') return `mount an emptyDir volume at ${root}`
  if (runtime === 'docker' || runtime === 'podman') return `start the container with: ${runtime} run -v wherry:${root}`
  return 'put the store on a local file system (ext4, xfs, btrfs) with --root DIR'
}

function cgroupFinding({ dir, delegated }: Survey['cgroups'], { confinement }: Facts): Finding {
  const name = 'control groups'
  if (delegated) return { name, level: 'ok', found: 'given to this user: --cgroup-parent works' }
  const found = dir === undefined ? 'none of version 2' : 'not given to this user'
  const fix = 'systemd-run --user --scope --property=Delegate=yes wherry build …'
  const inService = confinement.runtime === undefined && dir !== undefined
  return { name, level: 'ok', found: `${found}: only --cgroup-parent needs them`, ...(inService ? { fix } : {}) }
}

/**
 * The findings on registries and credentials.
 * @param hasProgram whether a credential helper is installed
 */
export function registryFindings(inventory: RegistryInventory, hasProgram: (name: string) => boolean): Finding[] {
  return [
    { name: 'registries', level: 'ok', found: inventory.rules.join(', ') || 'no settings in registries.conf' },
    ...inventory.problems.map((found) => ({ name: 'registries', level: 'missing', found }) as const),
    ...credentials(inventory, hasProgram),
  ]
}

function credentials({ files }: RegistryInventory, hasProgram: (name: string) => boolean): Finding[] {
  const name = 'credentials'
  if (files.length === 0) return [{ name, level: 'ok', found: 'none (`wherry login REGISTRY` keeps some)' }]
  return files.map(({ path, servers, helpers }) => {
    const uses = helpers.map(({ server, program }) => `${program}${server === undefined ? '' : ` for ${server}`}`)
    const found = `${path}: ${[...servers, ...uses].join(', ')}`
    const absent = helpers.map(({ program }) => program).filter((program) => !hasProgram(program))
    if (absent.length === 0) return { name, level: 'ok', found }
    return { name, level: 'missing', found, fix: `install ${absent.join(', ')}, or take it out of ${path}` }
  })
}
