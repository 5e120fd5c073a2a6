/** The tree in which packages can be installed: essential packages unpacked, the archives of all, and a few files around them. */
import { readArMembers } from '../../archive/ar.ts'
import { fromText } from '../../core/bytepath.ts'
import { WherryError } from '../../core/errors.ts'
import { mapLimit } from '../../core/schedule.ts'
import type { Scope } from '../../core/scope.ts'
import type { SealItem } from '../../layer/contract.ts'
import type { Entry } from '../../oci/contents.ts'
import type { Pool } from '../../trees/worker/pool.ts'
import type { DebianPackage } from './package.ts'
import { rootTree } from './root-tree.ts'

/** A package and its file on disk. */
export interface FetchedPackage {
  readonly package: DebianPackage
  readonly path: string
}

/** What the tree is made of. */
export interface FirstTree {
  readonly essential: readonly FetchedPackage[]
  readonly all: readonly FetchedPackage[]
  /** Text files by path. */
  readonly texts: readonly (readonly [path: string, text: string])[]
  /** A file that holds all texts, one after the other. */
  readonly textsPath: string
  /** Folders of the root that are links into /usr. */
  readonly merged: readonly string[]
  /** mtime of what no package has, in nanoseconds. */
  readonly time: bigint
}

/** Where the archives of packages are in the tree. */
export const archives = 'var/cache/apt/archives'

/** What dpkg and apt want to find before they are installed themselves. */
const folders: readonly (readonly [path: string, mode: number])[] = [
  ['tmp', 0o1777],
  ['etc/apt/apt.conf.d', 0o755],
  ['etc/apt/sources.list.d', 0o755],
  ['etc/apt/preferences.d', 0o755],
  ['etc/dpkg/dpkg.cfg.d', 0o755],
  ['var/cache/apt', 0o755],
  ['var/lib/apt/lists/partial', 0o755],
  ['var/lib/dpkg/alternatives', 0o755],
  ['var/lib/dpkg/info', 0o755],
  ['var/lib/dpkg/triggers', 0o755],
  ['var/lib/dpkg/updates', 0o755],
  ['var/log/apt', 0o755],
]

/**
 * The items of that tree.
 * @throws WherryError `archive-invalid` for a package that is none
 */
export async function firstTree(
  spec: FirstTree,
  { pool, temp }: { readonly pool: Pool; readonly temp: (label: string) => string },
  scope: Scope,
): Promise<SealItem[]> {
  const { time } = spec
  const tree = rootTree(time)
  const made = (path: string, type: Entry['type'], rest: Partial<Entry>): Entry => {
    return { path: fromText(path), type, mode: 0o755, uid: 0, gid: 0, size: 0, mtime: time, ...rest }
  }
  for (const name of spec.merged) {
    tree.add(made(`usr/${name}`, 'dir', {}))
    tree.add(made(name, 'symlink', { mode: 0o777, link: `usr/${name}` }))
  }
  for (const [path, mode] of folders) tree.add(made(path, 'dir', { mode }))
  const unpacked = await mapLimit(spec.essential, 4, (fetched) => listDeb(fetched, { pool, spool: temp('deb') }, scope))
  for (const items of unpacked) for (const { entry, source } of items) tree.add(entry, source)
  let offset = 0
  for (const [path, text] of spec.texts) {
    const size = Buffer.byteLength(text)
    tree.add(made(path, 'file', { mode: 0o644, size }), { path: fromText(spec.textsPath), offset })
    offset += size
  }
  for (const { package: p, path } of spec.all) {
    const entry = made(`${archives}/${p.name}.deb`, 'file', { mode: 0o644, size: p.size })
    tree.add(entry, { path: fromText(path), offset: 0 })
  }
  return tree.items()
}

/** The files of a package. deb(5): the member `data.tar`, in whatever compression. */
async function listDeb(
  { path, package: p }: FetchedPackage,
  { pool, spool }: { readonly pool: Pool; readonly spool: string },
  scope: Scope,
): Promise<SealItem[]> {
  const data = readArMembers(path).find(({ name }) => /^data\.tar(\.|$)/.test(name))
  if (data === undefined) throw new WherryError('archive-invalid', `the package ${p.name} has no data`)
  const { offset, size } = data
  const listing = await pool.run('spool', { path: fromText(path), spoolPath: spool, range: { offset, size } }, scope)
  return (listing ?? []).map((entry): SealItem => {
    if (entry.type !== 'file') return { entry }
    return { entry, source: { path: fromText(spool), offset: entry.offset ?? 0 } }
  })
}
