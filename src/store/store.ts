/** Opens the store: one folder that holds everything wherry keeps, shared by any number of processes. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { WherryError, errnoOf } from '../core/errors.ts'
import { ensureDirectory, replaceDurably } from '../host/durable.ts'
import { ownedName } from '../host/owner.ts'
import { openBlobStore } from './blobs.ts'
import { openBuildRecords } from './builds.ts'
import { openContainerStore } from './containers.ts'
import type { ImageStore, Store, StoredImage } from './contract.ts'
import { directoryModes, fileMode, folders, ociLayoutFile } from './formats.ts'
import { openDownloadCache } from './downloads.ts'
import { openManifestDrafts } from './drafts.ts'
import { formatIndexFile } from './index-file.ts'
import { openImageStore } from './images.ts'
import { openBuildNotes } from './notes.ts'
import { openLayerIndex } from './layers.ts'
import { openTrailStore } from './trails.ts'
import { createLease } from './leases.ts'
import { listSteps, openStepCache } from './steps.ts'
import { dropArrivals } from './receive.ts'
import { sweepStore } from './sweep.ts'
import { openUploadNotes } from './upload-notes.ts'

/**
 * Opens the store at `root`, making what is missing. Opening an existing one costs a few system calls and takes no lock.
 * @throws WherryError `io` if it cannot be made or read
 */
export async function openStore(root: string): Promise<Store> {
  const dirs = pathsBelow(resolve(root))
  await makeMissing(dirs)
  return assemble(dirs)
}

type Dirs = ReturnType<typeof pathsBelow>

function pathsBelow(root: string) {
  const oci = join(root, folders.oci)
  return {
    root,
    oci,
    blobsParent: join(oci, 'blobs'),
    blobs: join(oci, 'blobs', 'sha256'),
    steps: join(root, folders.steps),
    downloads: join(root, folders.downloads),
    layers: join(root, folders.layers),
    explain: join(root, folders.explain),
    trails: join(root, folders.trails),
    builds: join(root, folders.builds),
    contexts: join(root, folders.contexts),
    snapshots: join(root, folders.snapshots),
    mounts: join(root, folders.mounts),
    containers: join(root, folders.containers),
    registry: join(root, folders.registry),
    drafts: join(root, folders.drafts),
    tmp: join(root, folders.tmp),
    locks: join(root, folders.locks),
    leases: join(root, folders.leases),
  }
}

const callerIsRoot = (): boolean => process.geteuid?.() === 0

async function makeMissing(dirs: Dirs): Promise<void> {
  const modes = directoryModes(callerIsRoot())
  const { root, oci, blobsParent, blobs, layers, snapshots, tmp } = dirs
  const { steps, downloads, explain, trails, contexts, locks, leases } = dirs
  const wanted = [
    [root, modes.root],
    ...[oci, blobsParent, blobs, layers, snapshots, tmp].map((dir) => [dir, modes.passable] as const),
    ...[steps, downloads, explain, trails, contexts, locks, leases].map((dir) => [dir, modes.private] as const),
  ] as const
  try {
    for (const [dir, mode] of wanted) if (!existsSync(dir)) await ensureDirectory(dir, mode)
    await makeLayout(dirs)
  } catch (error) {
    const code = errnoOf(error)
    if (code === undefined) throw error
    throw new WherryError('io', `the store ${root} cannot be used (${code})`, {
      hint: 'Choose a folder that you own with --root.',
      cause: error,
    })
  }
}

/** The two files of an empty OCI layout; another process may be making them too, with the same bytes. */
async function makeLayout({ oci, tmp }: Dirs): Promise<void> {
  const marker = join(oci, 'oci-layout')
  if (existsSync(marker)) return
  const index = join(oci, 'index.json')
  const temp = (): string => join(tmp, ownedName('layout'))
  if (!existsSync(index)) {
    // Not `replace`: an image that another process has stored in the meantime must not be lost.
    await linkNew(temp(), index, formatIndexFile([]), indexMode())
  }
  await replaceDurably({ temp: temp(), path: marker, data: ociLayoutFile, mode: fileMode })
}

const indexMode = (): number => (callerIsRoot() ? 0o600 : fileMode)

async function linkNew(temp: string, path: string, data: string, mode: number): Promise<void> {
  const { link, rm, writeFile } = await import('node:fs/promises')
  await writeFile(temp, data, { mode })
  try {
    await link(temp, path)
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
  } finally {
    await rm(temp, { force: true })
  }
}

function assemble(dirs: Dirs): Store {
  const modes = directoryModes(callerIsRoot())
  const tempPath = (label: string): string => join(dirs.tmp, ownedName(label))
  const blobs = openBlobStore({ dir: dirs.blobs, tmpDir: dirs.tmp, tempPath })
  const containers = openContainerStore({
    dir: dirs.containers,
    locksDir: dirs.locks,
    dirMode: modes.passable,
    tempPath,
  })
  const layers = openLayerIndex({ dir: dirs.layers, dirMode: modes.passable, tempPath })
  const images = openImageStore({
    layoutDir: dirs.oci,
    locksDir: dirs.locks,
    indexMode: indexMode(),
    blobs,
    tempPath,
  })
  const trails = openTrailStore({ dir: dirs.trails, dirMode: modes.private, tempPath })
  return {
    root: dirs.root,
    blobs,
    layers,
    images: { ...images, resolve: (query) => resolveWithSteps(query, images, { blobs, layers, trails }) },
    trails,
    steps: openStepCache({ dir: dirs.steps, dirMode: modes.private, tempPath }),
    listSteps: () => listSteps(dirs.steps),
    containers,
    notes: openBuildNotes({ dir: dirs.explain, dirMode: modes.private, tempPath }),
    uploads: openUploadNotes(dirs.tmp, tempPath),
    builds: openBuildRecords({ dir: dirs.builds, dirMode: modes.private, tempPath }),
    drafts: openManifestDrafts({ dir: dirs.drafts, dirMode: modes.private, tempPath }),
    downloads: openDownloadCache({ dir: dirs.downloads, dirMode: modes.private, tempPath }),
    tempPath,
    contextDir: dirs.contexts,
    async snapshotsDir(driverAndMap) {
      const dir = join(dirs.snapshots, driverAndMap)
      if (!existsSync(dir)) await ensureDirectory(dir, modes.passable)
      return dir
    },
    async mountsDir(map) {
      const dir = join(dirs.mounts, map)
      if (!existsSync(dirs.mounts)) await ensureDirectory(dirs.mounts, modes.passable)
      if (!existsSync(dir)) await ensureDirectory(dir, modes.passable)
      return dir
    },
    lease: () => createLease({ leasesDir: dirs.leases, locksDir: dirs.locks }),
    sweep: () => sweepStore({ tmpDir: dirs.tmp, leasesDir: dirs.leases, locksDir: dirs.locks }),
    async collect(policy) {
      // Loaded here: builds do not collect.
      const { collectGarbage } = await import('./collect.ts')
      const report = await collectGarbage({ store: { blobs, layers, images, containers }, dirs }, policy)
      // Of use only to who asks for the same blob again: with a budget they go by themselves, after a day.
      const dropped = policy.keepBytes === undefined ? await dropArrivals(dirs.tmp, policy) : 0
      return { ...report, bytes: report.bytes + dropped }
    },
  }
}

/** An image, or else the image of a step of a build. */
async function resolveWithSteps(
  query: string,
  images: ImageStore,
  parts: Pick<Store, 'blobs' | 'layers' | 'trails'>,
): Promise<StoredImage> {
  try {
    return await images.resolve(query)
  } catch (error) {
    const isUnknown = error instanceof WherryError && error.code === 'image-not-found' && error.details === undefined
    if (!isUnknown || !/^(sha256:)?[0-9a-f]+$/.test(query)) throw error
    const { resolveStep } = await import('./step-images.ts')
    const step = await resolveStep(query, parts)
    if (step !== undefined) return step
    throw error
  }
}
