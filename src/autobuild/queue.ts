/** Builds in their order: what waits, what runs, what has ended. Every change is on the disk before it is acted on. */
import type { Digest } from '../core/digest.ts'
import { type BuildRecord, isEnded } from './contract.ts'
import type { StateFiles } from './state.ts'

/** A build to be made. */
export type Wanted = Pick<
  BuildRecord,
  'repository' | 'rule' | 'ref' | 'images' | 'dockerfile' | 'cause' | 'before' | 'after'
>

/** How a build ended. */
export interface Ending {
  readonly status: 'done' | 'failed' | 'stopped' | 'unchanged'
  readonly message?: string
  readonly digest?: Digest | undefined
}

/** The builds. */
export interface Queue {
  /** All of them, the newest first. */
  list(): readonly BuildRecord[]
  get(id: string): BuildRecord | undefined
  /** Adds a build; one that waits for the same images of the same rule is replaced. */
  add(wanted: Wanted): Promise<BuildRecord>
  /** The next one that may begin, now running; undefined if there is none. Two of the same images never run at once. */
  take(): Promise<BuildRecord | undefined>
  /** Notes which commit a running build is of. */
  noteCommit(id: string, commit: string): Promise<void>
  end(id: string, ending: Ending): Promise<void>
  /** Forgets the oldest ended builds of a repository beyond a number. */
  trim(repository: string, keep: number): Promise<void>
}

/** A build that was begun as often as this and never came to an end is given up: it may be what kills us. */
const maxAttempts = 5

/** Reads the builds. Those that ran when the last process ended wait again. */
export async function openQueue(files: Pick<StateFiles, 'readBuilds' | 'writeBuild' | 'removeBuild'>): Promise<Queue> {
  const builds = new Map<string, BuildRecord>()
  for (const record of await files.readBuilds()) builds.set(record.id, record)
  let next = Math.max(0, ...[...builds.keys()].map(Number)) + 1
  const put = async (record: BuildRecord): Promise<BuildRecord> => {
    await files.writeBuild(record)
    builds.set(record.id, record)
    return record
  }
  for (const record of [...builds.values()]) if (record.status === 'running') await put(resumed(record))
  const taking = new Set<string>()
  const waiting = (): BuildRecord[] => [...builds.values()].filter(({ status }) => status === 'waiting')
  const known = (id: string): BuildRecord => {
    const record = builds.get(id)
    if (record === undefined) throw new Error(`no build ${id}`)
    return record
  }
  return {
    list: () => [...builds.values()].sort((a, b) => Number(b.id) - Number(a.id)),
    get: (id) => builds.get(id),
    add: async (wanted) => {
      const id = String(next++).padStart(6, '0')
      const added = { ...wanted, id, status: 'waiting', attempts: 0, queuedAt: now() } as const
      const older = waiting().filter((one) => one.rule === wanted.rule && sameImages(one, wanted))
      // First the new one: a crash in between leaves both.
      await put(added)
      for (const one of older.filter((old) => builds.get(old.id)?.status === 'waiting' && !taking.has(old.id))) {
        // Not to be taken while this is being written.
        taking.add(one.id)
        await put({ ...one, status: 'replaced', message: `build ${id} is newer`, endedAt: now() })
        taking.delete(one.id)
      }
      return added
    },
    take: async () => {
      const busy = [...builds.values()].filter((one) => one.status === 'running' || taking.has(one.id))
      const record = waiting()
        .sort((a, b) => Number(a.id) - Number(b.id))
        .find((one) => !taking.has(one.id) && !busy.some((other) => sharesImage(one, other)))
      if (record === undefined) return undefined
      taking.add(record.id)
      try {
        return await put({ ...record, status: 'running', attempts: record.attempts + 1, startedAt: now() })
      } finally {
        taking.delete(record.id)
      }
    },
    noteCommit: async (id, commit) => {
      await put({ ...known(id), commit })
    },
    end: async (id, { status, message, digest }) => {
      const more = { ...(message !== undefined && { message }), ...(digest !== undefined && { digest }) }
      await put({ ...known(id), status, ...more, endedAt: now() })
    },
    trim: async (repository, keep) => {
      const ended = [...builds.values()].filter((one) => one.repository === repository && isEnded(one))
      const old = ended.sort((a, b) => Number(b.id) - Number(a.id)).slice(keep)
      for (const { id } of old) {
        builds.delete(id)
        await files.removeBuild(id)
      }
    },
  }
}

function resumed(record: BuildRecord): BuildRecord {
  if (record.attempts < maxAttempts) return { ...record, status: 'waiting' }
  const message = `given up: wherry ended ${record.attempts} times while it ran`
  return { ...record, status: 'failed', message, endedAt: now() }
}

/** Builds that push the same names take each other's place. */
function sameImages(a: Pick<BuildRecord, 'images'>, b: Pick<BuildRecord, 'images'>): boolean {
  return a.images.length === b.images.length && a.images.every((image) => b.images.includes(image))
}

/** Of builds that push one name the order counts. */
function sharesImage(a: Pick<BuildRecord, 'images'>, b: Pick<BuildRecord, 'images'>): boolean {
  return a.images.some((image) => b.images.includes(image))
}

function now(): string {
  return new Date().toISOString()
}
