/**
 * Working containers: for each a record, and beside it the folder with its tree, which only trees/ writes.
 * The record is written before the folder is made and deleted before the folder is, so a folder without a record is left over.
 */
import { readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { WherryError, errnoOf } from '../core/errors.ts'
import { ifStillThere } from '../core/if-there.ts'
import { isJsonObject } from '../core/json.ts'
import { ensureDirectory, replaceDurably } from '../host/durable.ts'
import { ownedName, ownerIsDead } from '../host/owner.ts'
import type { ContainerHold, ContainerRecord, ContainerStore, HoldState } from './contract.ts'
import { versions } from './formats.ts'
import { withLock } from './lock.ts'

/** Where containers lie. */
export interface ContainerParts {
  readonly dir: string
  readonly locksDir: string
  /** Permission bits of the folders that trees/ works in. */
  readonly dirMode: number
  readonly tempPath: (label: string) => string
}

const recordEnd = '.json'
const holdEnd = '.held'
/** Records and holds name programs and variables: nobody else's business. */
const privateMode = 0o600

/** The lock under which names are given. */
const namesLock = 'containers'

/** The containers below a folder. */
export function openContainerStore(parts: ContainerParts): ContainerStore {
  const { dir, locksDir, tempPath } = parts
  const pathOf = ({ place, id }: Pick<ContainerRecord, 'place' | 'id'>, end: string): string =>
    join(dir, place, `${id}${end}`)

  const write = (record: ContainerRecord): Promise<void> =>
    replaceDurably({
      temp: tempPath('container'),
      path: pathOf(record, recordEnd),
      data: JSON.stringify({ version: versions.container, ...record }),
      mode: privateMode,
    })
  const list = async (): Promise<ContainerRecord[]> => {
    const places = (await ifStillThere(readdir(dir))) ?? []
    const found = await Promise.all(places.map((place) => readPlace(join(dir, place))))
    return found.flat().sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1))
  }
  const named = async (name: string, but?: string): Promise<void> => {
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name))
      throw new WherryError('usage', `"${name}" is no name for a container`, {
        hint: 'Names have letters, digits, "_", "." and "-", and begin with a letter or digit.',
      })
    const other = (await list()).find((record) => record.name === name && record.id !== but)
    if (other === undefined) return
    throw new WherryError('container-in-use', `the name "${name}" belongs to the container ${other.id.slice(0, 12)}`, {
      hint: `Choose another one, or remove that with \`wherry rm ${name}\`.`,
    })
  }
  return {
    placeDir: async (place) => {
      await ensureDirectory(dir, parts.dirMode)
      await ensureDirectory(join(dir, place), parts.dirMode)
      return join(dir, place)
    },
    list,
    resolve: async (query) => resolveContainer(await list(), query),
    create: (record) =>
      withLock(locksDir, namesLock, async () => {
        await named(record.name)
        await write(record)
      }),
    update: async (record) => {
      // One that was removed meanwhile stays away.
      if ((await readRecord(pathOf(record, recordEnd))) !== undefined) await write(record)
    },
    rename: (record, name) =>
      withLock(locksDir, namesLock, async () => {
        await named(name, record.id)
        await write({ ...record, name })
      }),
    remove: async (record) => {
      await rm(pathOf(record, recordEnd), { force: true })
      await rm(pathOf(record, holdEnd), { force: true })
      await rm(pathOf(record, '.sock'), { force: true })
    },
    socketPath: (record) => pathOf(record, '.sock'),
    holder: (record) => readHold(pathOf(record, holdEnd)),
    hold: (record, kind) => takeHold({ path: pathOf(record, holdEnd), name: `container-${record.id}`, kind }, locksDir),
  }
}

async function readPlace(dir: string): Promise<ContainerRecord[]> {
  const names = (await ifStillThere(readdir(dir))) ?? []
  const records = names.filter((name) => name.endsWith(recordEnd)).map((name) => readRecord(join(dir, name)))
  return (await Promise.all(records)).filter((record) => record !== undefined)
}

async function readRecord(path: string): Promise<ContainerRecord | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'))
    if (!isJsonObject(value) || value['version'] !== versions.container) return undefined
    const { version: _version, ...record } = value
    return record as unknown as ContainerRecord
  } catch (error) {
    if (error instanceof SyntaxError || errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/**
 * The container that a name, an id or the beginning of one means.
 * @throws WherryError `container-not-found`
 */
export function resolveContainer(records: readonly ContainerRecord[], query: string): ContainerRecord {
  const exact = records.find(({ name, id }) => name === query || id === query)
  if (exact !== undefined) return exact
  const begun = /^[0-9a-f]{2,}$/.test(query) ? records.filter(({ id }) => id.startsWith(query)) : []
  if (begun.length === 1 && begun[0] !== undefined) return begun[0]
  throw new WherryError(
    'container-not-found',
    begun.length === 0
      ? `there is no container "${query}"`
      : `"${query}" is the beginning of ${begun.length} container ids`,
    { hint: '`wherry ps -a` lists what there is.' },
  )
}

async function readHold(path: string): Promise<HoldState | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'))
    if (!isJsonObject(value)) return undefined
    const { owner, kind, pid, since } = value
    if (typeof owner !== 'string' || ownerIsDead(owner, Date.now())) return undefined
    return { kind: kind === 'run' ? 'run' : 'work', pid: Number(pid), since: typeof since === 'string' ? since : '' }
  } catch (error) {
    if (error instanceof SyntaxError || errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

interface HoldRequest {
  readonly path: string
  readonly name: string
  readonly kind: HoldState['kind']
}

/** Undefined if another process that lives has it. */
function takeHold({ path, name, kind }: HoldRequest, locksDir: string): Promise<ContainerHold | undefined> {
  return withLock(locksDir, name, async () => {
    if ((await readHold(path)) !== undefined) return undefined
    const state = { owner: ownedName(kind), kind, pid: process.pid, since: new Date().toISOString() }
    await writeFile(path, JSON.stringify(state), { mode: privateMode })
    return { release: () => rm(path, { force: true }) }
  })
}
