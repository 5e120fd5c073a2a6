/** Garbage collection in a cache's folder: records that were used longest ago go, and blobs that no record has. */
import { readFile, readdir, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { digestOf } from '../../core/digest.ts'
import { WherryError } from '../../core/errors.ts'
import { ifStillThere } from '../../core/if-there.ts'
import { mapLimit } from '../../core/schedule.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { isIndex, parseManifestOrIndex } from '../../oci/image.ts'
import type { CollectionPolicy } from '../../store/contract.ts'
import { layoutPath } from '../../transfer/layout-files.ts'
import { outputError } from '../../transfer/output.ts'
import { type IndexEntry, descriptorIn, editEntries } from './layout-index.ts'
import { emptyDocument, isOfOneRecord, isRecordDocument } from './record.ts'

/** What went, or with `dryRun` would go. */
export interface PrunedLayout {
  readonly records: number
  readonly blobs: number
  readonly bytes: number
}

/** A record in the folder. */
interface Found {
  readonly entry: IndexEntry
  /** When a build last used it, in milliseconds since 1970. */
  readonly used: number
  /** Its own file and blobs by their paths in the folder, with sizes in bytes. */
  readonly files: ReadonlyMap<string, number>
  /** Those that are layers and lists. */
  readonly layers: readonly string[]
}

/** Temp files of builds that died, in milliseconds. */
const deadAfterMs = 24 * 3600 * 1000

/**
 * Deletes by the policy. What is damaged goes too. Builds may use the folder meanwhile: those that are writing name only
 * records that are whole.
 * @throws WherryError `usage` if the folder holds no cache, or more than that; `store-busy`, `json-invalid`, `io`
 */
export async function pruneLayout(folder: string, policy: CollectionPolicy): Promise<PrunedLayout> {
  if ((await ifStillThere(stat(join(folder, 'index.json')))) === undefined)
    throw new WherryError('usage', `${folder} holds no cache`, { hint: 'Name a folder that --cache-to filled.' })
  let pruned: PrunedLayout = { records: 0, blobs: 0, bytes: 0 }
  const prune: Parameters<typeof editEntries>[1] = async (read) => {
    const entries = await read()
    const found = (await mapLimit(entries, 16, (entry) => recordIn(folder, entry))).flatMap((one) => one ?? [])
    const kept = keptOf(found, policy)
    const files = new Set(kept.flatMap((one) => [...one.files.keys()]))
    const garbage = (await blobsIn(folder)).filter(({ path, isTemp }) => isTemp || !files.has(path))
    pruned = {
      records: entries.length - kept.length,
      blobs: garbage.length,
      bytes: garbage.reduce((sum, { size }) => sum + size, 0),
    }
    if (policy.dryRun) return undefined
    // Within the lock: who adds names looks, with the same lock, whether the blobs are there.
    await mapLimit(garbage, 16, ({ path }) => rm(join(folder, path), { force: true }))
    return kept.map(({ entry }) => entry)
  }
  await editEntries(folder, prune).catch((error: unknown) => {
    throw outputError(error, folder)
  })
  return pruned
}

/** The records that stay: of those used before the policy's time as many, the last used first, as its size allows. */
function keptOf(found: readonly Found[], { usedBefore, keepBytes }: CollectionPolicy): readonly Found[] {
  const files = new Set<string>()
  let total = 0
  const isKept = ({ used, files: own }: Found): boolean => {
    const fresh = [...own].filter(([path]) => !files.has(path))
    const bytes = fresh.reduce((sum, [, size]) => sum + size, 0)
    if (used < usedBefore && (keepBytes === undefined || total + bytes > keepBytes)) return false
    total += bytes
    for (const [path] of fresh) files.add(path)
    return true
  }
  const kept = new Set([...found].sort((a, b) => b.used - a.used).filter(isKept))
  // A result has several keys, of which builds ask for one if that is enough: the others cost next to nothing.
  const isBeside = ({ layers }: Found): boolean => layers.length > 0 && layers.every((path) => files.has(path))
  return found.filter((one) => kept.has(one) || isBeside(one))
}

/** A record that is whole; undefined for one that is of no use to anybody. */
async function recordIn(folder: string, entry: IndexEntry): Promise<Found | undefined> {
  try {
    const descriptor = descriptorIn(entry)
    if (descriptor === undefined) return undefined
    const path = layoutPath(descriptor.digest)
    const bytes = await ifStillThere(readFile(join(folder, path)))
    if (bytes === undefined || digestOf(bytes) !== descriptor.digest) return undefined
    const manifest = parseManifestOrIndex(bytes, descriptor.mediaType)
    if (isIndex(manifest) || entry.name === undefined || !isRecordDocument(manifest)) throw notOnlyCache(folder)
    const parts = [manifest.config, ...manifest.layers]
    const files = new Map(parts.map(({ digest, size }) => [layoutPath(digest), size]))
    const sizes = await Promise.all(
      [...files.keys()].map(async (file) => (await ifStillThere(stat(join(folder, file))))?.size),
    )
    if (sizes.some((size, i) => size !== [...files.values()][i])) return undefined
    files.set(path, bytes.length)
    const isReal = ({ digest }: Descriptor): boolean => digest !== emptyDocument.descriptor.digest
    const layers = manifest.layers.filter(isReal).map(({ digest }) => layoutPath(digest))
    return { entry, used: (await stat(join(folder, path))).mtimeMs, files, layers }
  } catch (error) {
    if (isOfOneRecord(error)) return undefined
    throw error
  }
}

function notOnlyCache(folder: string): WherryError {
  return new WherryError('usage', `${folder} holds not only a cache`, {
    hint: 'Nothing was deleted. Caches are pruned in folders of their own.',
  })
}

interface BlobFile {
  readonly path: string
  readonly size: number
  readonly isTemp: boolean
}

async function blobsIn(folder: string): Promise<readonly BlobFile[]> {
  const dir = 'blobs/sha256'
  const names = (await ifStillThere(readdir(join(folder, dir)))) ?? []
  const files = await mapLimit(names, 16, async (name) => {
    const path = join(dir, name)
    const found = await ifStillThere(stat(join(folder, path)))
    const isTemp = basename(path).endsWith('.tmp')
    if (found === undefined || (isTemp && Date.now() - found.mtimeMs < deadAfterMs)) return []
    return [{ path, size: found.size, isTemp }]
  })
  return files.flat()
}
