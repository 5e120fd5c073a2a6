/** What a report is made of, from the store: an image with the lists of its layers, a build's record. */
import { createLayerAccess } from '../transfer/layer-access.ts'
import { type BuildRecord, parseBuildRecord } from '../core/build-record.ts'
import { WherryError } from '../core/errors.ts'
import type { Scope } from '../core/scope.ts'
import { mapLimit } from '../core/schedule.ts'
import type { Platform } from '../oci/platform.ts'
import { familiarReference, parseReference } from '../oci/reference.ts'
import { buildReport } from '../report/build.ts'
import type { BuildReport, ImageReport, Report } from '../report/contract.ts'
import { imageReport } from '../report/image.ts'
import type { Store, StoredImage } from '../store/contract.ts'
import type { TransferDeps } from '../transfer/deps.ts'
import { createPool } from '../trees/worker/pool.ts'
import { findStored } from './find-image.ts'
import { readImageFacts } from './image-facts.ts'

/** Layers whose lists are read at once. */
const parallelLists = 4

/** What identifies a build record. */
export const buildIdPattern = /^\d{8}-\d{6}-[0-9a-f]{6}$/

/** What reports are made with. */
export interface ReportParts {
  readonly deps: TransferDeps
  readonly scope: Scope
  /** Which image of an index; this machine's if not given. */
  readonly platform?: Platform | undefined
}

/**
 * The report of an image, with the build that made it if its record is still there.
 * @throws WherryError `image-not-found`, `blob-missing`, and what registries say of layers that must be fetched
 */
export async function reportOfImage(query: string, parts: ReportParts): Promise<Report> {
  const { deps } = parts
  const stored = await deps.store.images.resolve(query)
  const image = await readImage(stored, parts)
  const build = await buildOfImage(stored, deps.store)
  return { title: image.names[0] ?? stored.id.slice(0, 19), image, ...(build && { build }) }
}

/**
 * The report of a build: of a record's id, or of the last one; with its image, if that is still there.
 * @throws WherryError `usage` if there is no such record
 */
export async function reportOfBuild(id: string | undefined, parts: ReportParts): Promise<Report> {
  const { builds } = parts.deps.store
  const wanted = id ?? (await builds.list())[0]
  const record = wanted === undefined ? undefined : await readRecord(wanted, parts.deps.store)
  if (record !== undefined) return reportOfRecord(buildReport(record, wanted), parts)
  throw new WherryError(
    'usage',
    id === undefined ? 'no build has left a record' : `there is no record of build ${id}`,
    {
      hint: '`wherry report --builds` lists the builds that can be reported; the last 30 are kept.',
    },
  )
}

/** The report of a build that has just been recorded. */
export async function reportOfRecord(build: BuildReport, parts: ReportParts): Promise<Report> {
  const id = build.images.at(-1)
  const stored = id === undefined ? undefined : await findStored(parts.deps.store, id)
  if (stored === undefined) return { title: build.dockerfile || 'build', build }
  const image = await readImage(stored, parts)
  return { title: image.names[0] ?? build.dockerfile, image, build }
}

/** Every build that can be reported, the youngest first. */
export async function recordedBuilds(store: Pick<Store, 'builds'>): Promise<BuildReport[]> {
  const builds = await mapLimit(await store.builds.list(), parallelLists, async (id) => {
    const record = await readRecord(id, store)
    return record === undefined ? [] : [buildReport(record, id)]
  })
  return builds.flat()
}

async function readRecord(id: string, { builds }: Pick<Store, 'builds'>): Promise<BuildRecord | undefined> {
  const text = await builds.get(id)
  return text === undefined ? undefined : parseBuildRecord(text)
}

/** Of the builds that gave this image the last one in which a step ran: later ones only found it again. */
async function buildOfImage({ id }: StoredImage, store: Pick<Store, 'builds'>): Promise<BuildReport | undefined> {
  const builds = (await recordedBuilds(store)).filter(({ images }) => images.includes(id))
  return builds.find(({ busy }) => busy > 0) ?? builds[0]
}

async function readImage(stored: StoredImage, { deps, scope, platform }: ReportParts): Promise<ImageReport> {
  const { store } = deps
  const { config, layers } = await readImageFacts(store, stored, platform)
  const pool = createPool(parallelLists)
  const lease = await store.lease()
  try {
    await lease.hold(...layers.map(({ diffId }) => diffId))
    const access = createLayerAccess({ ...deps, pool }, scope)
    const lists = await mapLimit(layers, parallelLists, async ({ diffId, size }) => {
      const contents = await access.contents(diffId)
      // Reading a layer for the first time also tells its size.
      return { size: (await store.layers.get(diffId))?.size ?? size, contents }
    })
    const names = stored.names.map((name) => familiarReference(parseReference(name)))
    return imageReport({ names, id: stored.id, config, layers: lists })
  } finally {
    await Promise.all([pool.close(), lease.release()])
  }
}
