/**
 * What automatic builds keep on disk, in a folder of the store: `builds/<id>.json` (records), `logs/<id>.log`, `refs.json` (what was
 * built last of each rule and ref) and `deliveries` (names of webhooks that were taken). Records and refs are replaced whole and
 * durably, so that a crash at any instant leaves the old or the new one; one process at a time holds the lock.
 */
import { randomBytes } from 'node:crypto'
import { type FileHandle, open, readFile, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { WherryError, errnoOf } from '../core/errors.ts'
import { ifStillThere } from '../core/if-there.ts'
import { type JsonObject, isJsonObject, stringArray } from '../core/json.ts'
import { isDigest } from '../core/digest.ts'
import { ensureDirectory, replaceDurably } from '../host/durable.ts'
import { tryFlock } from '../host/flock.ts'
import { type BuildRecord, statuses } from './contract.ts'

/** What became of a ref the last time that it was built. */
export interface BuiltRef {
  readonly commit: string
  readonly outcome: 'done' | 'failed'
}

/** By key of the rule, then by ref. */
export type BuiltRefs = Readonly<Record<string, Readonly<Record<string, BuiltRef>>>>

/** The files. */
export interface StateFiles {
  /** All records, by id. */
  readBuilds(): Promise<BuildRecord[]>
  writeBuild(record: BuildRecord): Promise<void>
  /** Removes a record and its log. */
  removeBuild(id: string): Promise<void>
  logPath(this: void, id: string): string
  /** A file that no other build uses, for what a build writes. */
  tempPath(this: void, id: string, name: string): string
  readRefs(): Promise<BuiltRefs>
  writeRefs(refs: BuiltRefs): Promise<void>
  readonly deliveriesPath: string
  /** The folder itself, which is no git repository. */
  readonly folder: string
  close(): Promise<void>
}

const fileMode = 0o600
const folderMode = 0o700

/**
 * Opens the folder, which is made if it is not there.
 * @throws WherryError `store-busy` if another process has it open
 */
export async function openStateFiles(folder: string): Promise<StateFiles> {
  const [builds, logs] = [join(folder, 'builds'), join(folder, 'logs')]
  for (const dir of [folder, builds, logs]) await ensureDirectory(dir, folderMode)
  const lock = await takeLock(join(folder, 'lock'))
  const replace = (path: string, value: unknown): Promise<void> =>
    replaceDurably({
      temp: `${path}.${randomBytes(6).toString('hex')}.tmp`,
      path,
      data: JSON.stringify(value),
      mode: fileMode,
    })
  const buildPath = (id: string): string => join(builds, `${id}.json`)
  const logPath = (id: string): string => join(logs, `${id}.log`)
  for (const dir of [builds, logs]) {
    // Of a process that was killed while it wrote.
    for (const name of await readdir(dir)) if (name.endsWith('.tmp')) await rm(join(dir, name), { force: true })
  }
  return {
    readBuilds: async () => {
      const names = (await readdir(builds)).filter((name) => /^\d+\.json$/.test(name)).sort()
      const read = await Promise.all(names.map(async (name) => recordOf(await readJson(join(builds, name)))))
      return read.filter((record) => record !== undefined)
    },
    writeBuild: (record) => replace(buildPath(record.id), { version: 1, ...record }),
    removeBuild: async (id) => {
      await rm(logPath(id), { force: true })
      await rm(buildPath(id), { force: true })
    },
    logPath,
    tempPath: (id, name) => join(logs, `${id}.${name}.tmp`),
    readRefs: async () => refsOf(await readJson(join(folder, 'refs.json'))),
    writeRefs: (refs) => replace(join(folder, 'refs.json'), { version: 1, rules: refs }),
    folder,
    deliveriesPath: join(folder, 'deliveries'),
    close: () => lock.close(),
  }
}

async function takeLock(path: string): Promise<FileHandle> {
  const handle = await open(path, 'a', fileMode)
  // The kernel lets go of it when this process ends, however it ends.
  if (tryFlock(handle.fd, 'exclusive')) return handle
  await handle.close()
  throw new WherryError('store-busy', 'another `wherry autobuild` works in this store', {
    hint: 'Stop it, or give this one a store of its own with --root.',
  })
}

/** A file's JSON object; undefined if it is not there or torn. */
async function readJson(path: string): Promise<JsonObject | undefined> {
  const text = await ifStillThere(readFile(path, 'utf8'))
  try {
    const value: unknown = JSON.parse(text ?? '')
    return isJsonObject(value) && value['version'] === 1 ? value : undefined
  } catch (error) {
    if (errnoOf(error) !== undefined) throw error
    return undefined
  }
}

const causes = ['push', 'poll', 'added', 'asked'] as const

function recordOf(raw: JsonObject | undefined): BuildRecord | undefined {
  if (raw === undefined) return undefined
  const text = (key: string): string => (typeof raw[key] === 'string' ? raw[key] : '')
  const [status, cause] = [statuses.find((one) => one === raw['status']), causes.find((one) => one === raw['cause'])]
  const [images, attempts, digest] = [stringArray(raw['images']), raw['attempts'], text('digest')]
  if (status === undefined || cause === undefined || images === undefined || typeof attempts !== 'number')
    return undefined
  const optional = ['before', 'after', 'commit', 'message', 'startedAt', 'endedAt'] as const
  return {
    id: text('id'),
    repository: text('repository'),
    rule: text('rule'),
    ref: text('ref'),
    images,
    dockerfile: text('dockerfile'),
    cause,
    status,
    attempts,
    queuedAt: text('queuedAt'),
    ...(isDigest(digest) && { digest }),
    ...Object.fromEntries(optional.filter((key) => text(key) !== '').map((key) => [key, text(key)])),
  }
}

function refsOf(raw: JsonObject | undefined): BuiltRefs {
  const rules = isJsonObject(raw?.['rules']) ? raw['rules'] : {}
  const read = (value: unknown): (readonly [string, BuiltRef])[] =>
    Object.entries(isJsonObject(value) ? value : {}).flatMap(([ref, built]) => {
      if (!isJsonObject(built)) return []
      const { commit, outcome } = built
      return typeof commit === 'string' && (outcome === 'done' || outcome === 'failed')
        ? [[ref, { commit, outcome }]]
        : []
    })
  return Object.fromEntries(Object.entries(rules).map(([key, value]) => [key, Object.fromEntries(read(value))]))
}
