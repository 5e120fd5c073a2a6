/** The two steps of supermin: `--prepare` writes what a system is made of, `--build` makes it from the machine's own files. */
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { gzipParallel } from '../../archive/gzip.ts'
import { type BytePath, fromText } from '../../core/bytepath.ts'
import { WherryError, errnoOf } from '../../core/errors.ts'
import { type Scope, throwIfCancelled } from '../../core/scope.ts'
import type { SealItem } from '../../layer/contract.ts'
import type { Store } from '../../store/contract.ts'
import type { Pool } from '../../trees/worker/pool.ts'
import { rootTree } from '../debian/root-tree.ts'
import { warnOf } from '../host-base.ts'
import { hostTree, madeFilesText } from '../host-tree.ts'
import type { InstalledPackages } from '../installed/contract.ts'
import { installedPackages } from '../installed/installed.ts'
import { unknownName } from '../programs.ts'
import { type Appliance, exclusion, expandWildcards, readAppliance } from './read.ts'

/** What both steps work with. */
export interface ApplianceDeps {
  readonly store: Pick<Store, 'tempPath'>
  readonly pool: Pool
}

/**
 * Writes `packages` and `base.tar.gz` (folders and settings, as they are on this machine) to a new folder.
 * @throws WherryError `usage` for an unknown package or a folder that is not empty, `host-unsupported`, `io`, `cancelled`
 */
export async function prepareAppliance(
  { names, folder }: { readonly names: readonly string[]; readonly folder: string },
  { store, pool }: ApplianceDeps,
  scope: Scope,
): Promise<void> {
  const packages = await requirePackages(scope)
  for (const name of names) if (!packages.has(name)) throw unknownName(name)
  await mustBeFree(folder)
  const temps = { made: store.tempPath('base-files'), tar: store.tempPath('base'), list: store.tempPath('base-list') }
  try {
    const all = await itemsOf(
      { packages: names, hostFiles: [], excluded: [], tars: [] },
      { packages, made: temps.made },
      scope,
    )
    const items = all.filter(({ entry }) => entry.type === 'dir' || isLinkAtTop(entry) || isSetting(`/${entry.path}`))
    await pool.run('seal', { items, tarPath: temps.tar, contentsPath: temps.list }, scope)
    await mkdir(folder, { recursive: true })
    await pipeline(gzipParallel(createReadStream(temps.tar)), createWriteStream(join(folder, 'base.tar.gz')))
    await writeFile(join(folder, 'packages'), `${[...names].sort().join('\n')}\n`)
  } finally {
    for (const path of Object.values(temps)) await rm(path, { force: true })
  }
}

/** What to build. */
export interface ApplianceBuild {
  readonly inputs: readonly string[]
  readonly folder: string
  /** Do nothing if the folder is newer than the inputs and the machine's packages; else replace it. */
  readonly ifNewer: boolean
  /** Add `/packagelist`. */
  readonly packageList: boolean
}

/**
 * Makes the tree in a new folder, as the caller's own files. Returns the number of its entries; undefined if it was new enough.
 * @throws WherryError `usage`, `host-unsupported`, `archive-invalid`, `io`, `cancelled`
 */
export async function buildAppliance(
  build: ApplianceBuild,
  { store, pool }: ApplianceDeps,
  scope: Scope,
): Promise<number | undefined> {
  if (!build.ifNewer) await mustBeFree(build.folder)
  else if (await isNewest(build)) return undefined
  const appliance = await readAppliance(build.inputs)
  const packages = await requirePackages(scope)
  const temps = [store.tempPath('base-files')]
  const [made = ''] = temps
  const fresh = `${build.folder}.${process.pid}`
  try {
    const tree = rootTree(0n)
    for (const path of appliance.tars) {
      const spoolPath = store.tempPath('base-tar')
      temps.push(spoolPath)
      for (const entry of (await pool.run('spool', { path: fromText(path), spoolPath }, scope)) ?? []) {
        tree.add(entry, entry.type === 'file' ? { path: fromText(spoolPath), offset: entry.offset ?? 0 } : undefined)
      }
    }
    const hasSettings = appliance.tars.length > 0
    const host = await itemsOf(appliance, { packages, made, withoutSettings: hasSettings }, scope)
    for (const { entry, source } of host) tree.add(entry, source)
    if (build.packageList) await addPackageList(tree, { appliance, packages, temps, store })
    const items = tree.items()
    throwIfCancelled(scope)
    await pool.run('exportFolder', { items, folder: fromText(fresh) }, scope)
    await replaceFolder(build.folder, fresh)
    return items.length
  } finally {
    for (const path of temps) await rm(path, { force: true })
    await rm(fresh, { recursive: true, force: true })
  }
}

async function requirePackages(scope: Scope): Promise<InstalledPackages> {
  const packages = await installedPackages('/', scope.signal)
  if (packages !== undefined) return packages
  throw new WherryError('host-unsupported', 'neither dpkg nor rpm manages the packages of this machine', {
    hint: '`wherry base host PROGRAM...` takes programs without their packages.',
  })
}

interface HostParts {
  readonly packages: InstalledPackages
  /** A new file, for what is made up. */
  readonly made: string
  /** True if settings come from elsewhere. */
  readonly withoutSettings?: boolean
}

async function itemsOf(appliance: Appliance, parts: HostParts, scope: Scope): Promise<SealItem[]> {
  const unreadable: BytePath[] = []
  const isExcluded = exclusion(appliance.excluded)
  await writeFile(parts.made, madeFilesText())
  const names = appliance.packages.filter((name) => parts.packages.has(name))
  const items = hostTree({
    root: '/',
    names,
    onlyNames: true,
    time: 0n,
    madeFilesAt: fromText(parts.made),
    packages: parts.packages,
    files: appliance.hostFiles.flatMap((pattern) => expandWildcards('/', pattern)),
    isExcluded: (path) => isExcluded(path) || (parts.withoutSettings === true && isSetting(path)),
    onUnreadable: (path) => unreadable.push(path),
  })
  warnOf(unreadable, scope)
  return items
}

/** Settings may have been changed on the machine that builds: they come with the appliance. */
function isSetting(path: BytePath): boolean {
  return path.startsWith('/etc/')
}

function isLinkAtTop({ type, path }: SealItem['entry']): boolean {
  return type === 'symlink' && !path.includes('/')
}

async function addPackageList(
  tree: ReturnType<typeof rootTree>,
  {
    appliance,
    packages,
    temps,
    store,
  }: { appliance: Appliance; packages: InstalledPackages; temps: string[]; store: ApplianceDeps['store'] },
): Promise<void> {
  const lines = packages.withDependencies(appliance.packages).map((name) => packages.describe(name))
  const text = Buffer.from(`${lines.join('\n')}\n`)
  const path = store.tempPath('base-packages')
  temps.push(path)
  await writeFile(path, text)
  const entry = {
    path: 'packagelist',
    type: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: text.length,
    mtime: 0n,
  } as const
  tree.add(entry, { path: fromText(path), offset: 0 })
}

async function mustBeFree(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return []
    throw new WherryError('io', `${folder} cannot be the output: ${String(error)}`, { cause: error })
  })
  if (names.length === 0) return
  throw new WherryError('usage', `the folder ${folder} is not empty`, {
    hint: 'Delete it or name a new one; --build --if-newer replaces what it made before.',
  })
}

async function isNewest({ inputs, folder }: ApplianceBuild): Promise<boolean> {
  const timeOf = async (path: string): Promise<number> => (await stat(path).catch(() => undefined))?.mtimeMs ?? 0
  const own = await timeOf(folder)
  const nested = await Promise.all(
    inputs.map(async (path) => [path, ...(await readdir(path).catch(() => [])).map((name) => join(path, name))]),
  )
  const databases = ['/var/lib/dpkg/status', '/var/lib/rpm', '/usr/lib/sysimage/rpm']
  const others = await Promise.all([...nested.flat(), ...databases].map(timeOf))
  return own > Math.max(...others)
}

/** Nearly atomic: another process sees the old folder, none for a moment, then the new one. */
async function replaceFolder(folder: string, fresh: string): Promise<void> {
  const old = `${fresh}.old`
  await rename(folder, old).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw error
  })
  await rename(fresh, folder)
  const now = new Date()
  await utimes(folder, now, now)
  await rm(old, { recursive: true, force: true })
}
