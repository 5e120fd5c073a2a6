/** What `wherry doctor` finds around the machine: the store's disk, control groups, registries and credentials; pure. */
import type { Facts, Finding } from '../host/contract.ts'
import { fileSystemOf } from '../host/file-systems.ts'
import type { DiskState, Survey } from '../host/survey.ts'
import type { RegistryInventory } from '../registry/inventory.ts'
import { humanSize } from '../ui/human.ts'

/** Less than this and images of the usual size do not fit. */
const scarceBytes = 2e9

/** The findings on the store at `root` and on control groups. */
export function placeFindings(root: string, { disk, cgroups }: Survey, facts: Facts): Finding[] {
  return [storeFinding(root, disk), snapshotFinding(root, disk, facts), cgroupFinding(cgroups, facts)]
}

function storeFinding(root: string, disk: DiskState): Finding {
  const { name: type } = fileSystemOf(disk.fsType)
  const found = `${root} (${type}, ${humanSize(disk.freeBytes, 3)} free)`
  if (disk.freeBytes >= scarceBytes && disk.freeFiles !== 0) return { name: 'store', level: 'ok', found }
  return {
    name: 'store',
    level: 'note',
    found,
    fix: 'wherry cache prune --all, or --root DIR on a disk with more room',
  }
}

function snapshotFinding(root: string, disk: DiskState, facts: Facts): Finding {
  const name = 'snapshots'
  const { name: type, holdsOverlays } = fileSystemOf(disk.fsType)
  if (holdsOverlays) return { name, level: 'ok', found: 'overlay mounts' }
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
