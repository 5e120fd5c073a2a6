/**
 * Garbage collection: mark what images, working containers, served repositories, leases, step and download records reach, then delete the rest.
 *
 * Two rules keep it safe beside running builds. What a lease holds stays: a holder that wrote its line before the collection took
 * its lock is read under the lock, a later one waits (leases.ts). And what was written or renewed since the oldest live lease
 * began stays, held or not.
 */
import { readdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type Digest, isDigest } from '../core/digest.ts'
import { ifStillThere } from '../core/if-there.ts'
import { mapLimit } from '../core/schedule.ts'
import { chainIdsOf } from '../oci/image.ts'
import type { CollectionPolicy, CollectionReport, Store } from './contract.ts'
import { parseDownloadRecord, parseStepRecord } from './formats.ts'
import { collectLock, liveLeases } from './leases.ts'
import { withLock } from './lock.ts'
import { type Found, listFiles, listSharded } from './found.ts'
import { keepRecords } from './keep-records.ts'
import { type Marker, createMarker } from './mark.ts'
import { readRecord } from './records.ts'

/** Unless something else is asked for, what was used within this time stays, in milliseconds. */
export const keepUsedMs = 14 * 24 * 3600 * 1000

/** The kernel's file times may lag behind the clock by a tick; generously, in milliseconds. */
const clockSlackMs = 1000

/** What a collection works on. */
export interface CollectParts {
  readonly store: Pick<Store, 'blobs' | 'layers' | 'images' | 'containers'>
  readonly dirs: Readonly<
    Record<
      'blobs' | 'steps' | 'downloads' | 'layers' | 'explain' | 'trails' | 'snapshots' | 'registry' | 'leases' | 'locks',
      string
    >
  >
}

/** Collects, or says what would be collected. */
export async function collectGarbage(parts: CollectParts, policy: CollectionPolicy): Promise<CollectionReport> {
  const marker = createMarker(parts.store.blobs, parts.store.layers)
  // The long part, reading what images and steps name, is done before the lock; under it only what came since is added.
  await markRoots(parts, marker)
  const steps = await listSharded(parts.dirs.steps, '.json')
  const downloads = await listSharded(parts.dirs.downloads, '.json')
  const records = [
    ...steps.map((found) => ({ found, target: () => layerOfStep(found) })),
    ...downloads.map((found) => ({ found, target: () => blobOfDownload(found) })),
  ]
  const sizes = new Map((await listFiles(parts.dirs.blobs, '')).map(({ digest, size }) => [digest, size]))
  const { kept, usedAfter } = await keepRecords(records, { marker, policy, sizes, layers: parts.store.layers })
  const finish = async (): Promise<CollectionReport> => {
    const protectedSince = await markRoots(parts, marker)
    const isYoung = (f: Found): boolean => f.changed >= protectedSince
    const isGarbage = (f: Found): boolean => !marker.reached.has(f.digest) && !isYoung(f)
    const isDead = (f: Found): boolean => !kept.has(f) && !isYoung(f)
    const deadSteps = steps.filter(isDead)
    const blobs = (await listFiles(parts.dirs.blobs, '')).filter(isGarbage)
    const facts = [
      ...(await listSharded(parts.dirs.layers, '.json')),
      ...(await listSharded(parts.dirs.layers, '.contents')),
    ].filter(isGarbage)
    const notes = await deadNotes(parts.dirs.explain, (note, after) => note.used < after && !isYoung(note), usedAfter)
    // The trail of an image that is there stays with it.
    const trails = (await listSharded(parts.dirs.trails, '.json')).filter((f) => isGarbage(f) && f.used < usedAfter)
    const files = [...deadSteps, ...downloads.filter(isDead), ...blobs, ...facts, ...notes, ...trails]
    const snapshots = await deadSnapshots(parts.dirs.snapshots, (s) => isGarbage(s) && s.used < usedAfter)
    if (!policy.dryRun) await mapLimit(files, 16, (file) => rm(file.path, { force: true }))
    const bytes = files.reduce((sum, file) => sum + file.size, 0)
    return { blobs: blobs.length, steps: deadSteps.length, snapshots, bytes }
  }
  return policy.dryRun ? await finish() : await withLock(parts.dirs.locks, collectLock, finish)
}

/** Marks what images, served repositories and leases reach; returns the time (ms) since which everything written is protected. */
async function markRoots({ store, dirs }: CollectParts, marker: Marker): Promise<number> {
  const leases = await liveLeases(dirs.leases)
  for (const image of await store.images.list()) {
    await marker.reach(image.manifest.digest)
    await marker.reach(image.id)
  }
  for (const { manifest, image, layers } of await store.containers.list()) {
    await marker.reach(manifest)
    await marker.reach(image)
    const diffIds = layers.map((layer) => layer.diffId)
    for (const diffId of diffIds) await marker.reach(diffId)
    for (const chainId of chainIdsOf(diffIds)) await marker.reach(chainId)
  }
  for (const digest of await servedManifests(dirs.registry)) await marker.reach(digest)
  for (const digest of leases.flatMap((lease) => lease.digests)) await marker.reach(digest)
  return Math.min(Date.now(), ...leases.map((lease) => lease.since)) - (leases.length === 0 ? 0 : clockSlackMs)
}

/** Manifests that the embedded registry serves from this store: the names in each repository's `_manifests`. */
async function servedManifests(dir: string): Promise<Digest[]> {
  const names = (await ifStillThere(readdir(dir, { recursive: true, encoding: 'utf8' }))) ?? []
  return names
    .filter((name) => basename(dirname(name)) === '_manifests')
    .map((name) => `sha256:${basename(name)}`)
    .filter(isDigest)
}

async function layerOfStep(step: Found): Promise<Digest | undefined> {
  const text = await readRecord(step.path, false)
  return text && parseStepRecord(text.toString('utf8'))?.diffId
}

async function blobOfDownload(found: Found): Promise<Digest | undefined> {
  const text = await readRecord(found.path, false)
  return text && parseDownloadRecord(text.toString('utf8'))?.digest
}

/** Notes are small and say what was pruned, so they go by age alone; lists of files go like steps. */
async function deadNotes(
  dir: string,
  isDead: (note: Found, usedAfter: number) => boolean,
  usedAfter: number,
): Promise<Found[]> {
  const notes = await listSharded(dir, '.note.gz')
  const lists = await listSharded(dir, '.list.gz')
  const oldNotes = notes.filter((note) => isDead(note, Date.now() - keepUsedMs))
  return [...oldNotes, ...lists.filter((list) => isDead(list, usedAfter))]
}

async function deadSnapshots(
  dir: string,
  isDead: (snapshot: Found) => boolean,
): Promise<CollectionReport['snapshots']> {
  const drivers = await readdir(dir)
  const found = await Promise.all(drivers.map((driver) => listFiles(join(dir, driver), '')))
  return found.flat().flatMap((s) => (isDead(s) ? [{ driver: basename(join(s.path, '..')), chainId: s.digest }] : []))
}
