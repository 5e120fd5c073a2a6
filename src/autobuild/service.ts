/** Automatic builds as one object: pushes and polls come in, builds run, rules come and go. */
import { asWherryError } from '../core/errors.ts'
import { mapLimit } from '../core/schedule.ts'
import { type BuiltRefStore, openBuiltRefs } from './built-refs.ts'
import { type AutobuildConfig, type BuildRecord, type Push, type Repository, type Rule, isEnded } from './contract.ts'
import { type BuildSetting, perform } from './perform.ts'
import { type Ending, type Queue, type Wanted, openQueue } from './queue.ts'
import { askRefs } from './remote.ts'
import { byVersion, matchRule } from './rules.ts'
import { readSecret } from './secrets.ts'
import type { StateFiles } from './state.ts'
import { createWorkers } from './workers.ts'

/** What a service is made of. */
export interface ServiceParts {
  readonly files: StateFiles
  readonly setting: BuildSetting
  /** Told when a build ends. */
  onEnd(this: void, line: string): void
  /** Builds at once. */
  readonly jobs: number
}

/** Automatic builds. */
export interface Service {
  readonly queue: Pick<Queue, 'list' | 'get'>
  config(): AutobuildConfig
  /** Queues what the rules make of these pushes; resolves when it is on the disk. */
  push(repository: Repository, pushes: readonly Push[]): Promise<BuildRecord[]>
  /** Asks repositories for their refs and queues what moved. Those that could not be asked are returned. */
  look(repositories: readonly Repository[], cause: 'poll' | 'asked', signal: AbortSignal): Promise<Repository[]>
  /** Takes other settings: what belongs to rules that are gone is stopped. */
  reconfigure(config: AutobuildConfig): Promise<void>
  /** Resolves when nothing waits and nothing runs. */
  idle(): Promise<void>
  /** Ends running builds, which begin anew when the service is opened again. */
  close(): Promise<void>
}

/** Repositories that are asked at once. */
const askedAtOnce = 4

/** Opens the service. What waits begins with the first push, look or settings. */
export async function openService(first: AutobuildConfig, parts: ServiceParts): Promise<Service> {
  const { files, setting } = parts
  const queue = await openQueue(files)
  const refs = await openBuiltRefs(files)
  let config = first
  let isClosed = false
  const workers = createWorkers({
    queue,
    jobs: parts.jobs,
    note: setting.note,
    work: (record, signal) =>
      work({ ...parts, queue, refs, config: () => config, isClosed: () => isClosed }, record, signal),
  })
  const add = async (wanted: readonly Wanted[]): Promise<BuildRecord[]> => {
    const added: BuildRecord[] = []
    for (const one of wanted) added.push(await queue.add(one))
    workers.wake()
    return added
  }
  const lookAt = async (repository: Repository, cause: 'poll' | 'asked', signal: AbortSignal): Promise<void> => {
    const token = repository.gitToken && (await readSecret(repository.gitToken, setting.env))
    const found = await askRefs(repository, { folder: files.folder, env: setting.env, token, signal })
    // Its rules may have gone while it was asked.
    if (!config.repositories.includes(repository)) return
    await add(movedRefs({ queue, refs }, { repository, found, cause }))
    await refs.keepFound(repository, found)
  }
  return {
    queue,
    config: () => config,
    push: (repository, pushes) => add(pushedRefs(repository, pushes)),
    look: async (repositories, cause, signal) => {
      const failed = await mapLimit(repositories, askedAtOnce, async (repository) => {
        try {
          await lookAt(repository, cause, signal)
          return []
        } catch (error) {
          signal.throwIfAborted()
          setting.note(`WARNING: ${repository.name}: ${asWherryError(error).message}`)
          return [repository]
        }
      })
      return failed.flat()
    },
    reconfigure: async (next) => {
      config = next
      const isGone = ({ rule }: BuildRecord): boolean => findRule(config, rule) === undefined
      for (const one of queue.list()) if (one.status === 'waiting' && isGone(one)) await queue.end(one.id, gone)
      await workers.stop(isGone, gone.message)
      await refs.keepRules(new Set(config.repositories.flatMap(({ rules }) => rules.map(({ key }) => key))))
      workers.wake()
    },
    idle: () => workers.idle(),
    close: async () => {
      isClosed = true
      await workers.close()
      await files.close()
    },
  }
}

const gone = { status: 'stopped', message: 'its rule was removed' } as const

interface WorkParts extends ServiceParts {
  readonly queue: Queue
  readonly refs: BuiltRefStore
  config(this: void): AutobuildConfig
  isClosed(this: void): boolean
}

/** Makes one build and notes what came of it: first of the ref, then of the build, so that a crash in between builds once more at worst. */
async function work(parts: WorkParts, record: BuildRecord, signal: AbortSignal): Promise<void> {
  const { queue, refs, setting, onEnd } = parts
  const found = findRule(parts.config(), record.rule)
  if (found === undefined) return queue.end(record.id, gone)
  try {
    const built = refs.of(record.rule)?.[record.ref]
    const onCommit = (commit: string): Promise<void> => queue.noteCommit(record.id, commit)
    const { commit, ...ending } = await perform({ ...found, record, built, onCommit }, setting, signal)
    if (commit !== undefined && (ending.status === 'done' || ending.status === 'failed')) {
      await refs.note(record.rule, record.ref, { commit, outcome: ending.status })
    }
    await queue.end(record.id, ending)
    onEnd(`build ${record.id} of ${record.repository} ${record.ref}: ${endText(ending)}`)
    await queue.trim(record.repository, parts.config().keep)
  } catch (error) {
    if (!signal.aborted) throw error
    // One that ends because we end begins anew the next time.
    if (!parts.isClosed()) await queue.end(record.id, gone)
  }
}

function endText({ status, message }: Ending): string {
  return message === undefined ? status : `${status}, ${message}`
}

function findRule(config: AutobuildConfig, key: string): { repository: Repository; rule: Rule } | undefined {
  for (const repository of config.repositories) {
    const rule = repository.rules.find((one) => one.key === key)
    if (rule !== undefined) return { repository, rule }
  }
  return undefined
}

/** What rules make of pushes. */
function pushedRefs(repository: Repository, pushes: readonly Push[]): Wanted[] {
  return repository.rules.flatMap((rule) =>
    pushes.flatMap((push) => {
      const match = matchRule(rule, repository, push.ref)
      return match === undefined ? [] : [{ ...wantedOf(repository, rule), ...push, ...match, cause: 'push' as const }]
    }),
  )
}

function wantedOf({ name }: Repository, { key, dockerfile }: Rule): Pick<Wanted, 'repository' | 'rule' | 'dockerfile'> {
  return { repository: name, rule: key, dockerfile }
}

interface Found {
  readonly repository: Repository
  /** Commits by ref. */
  readonly found: ReadonlyMap<string, string>
  readonly cause: 'poll' | 'asked'
}

interface Known {
  readonly queue: Queue
  readonly refs: BuiltRefStore
}

/** What rules make of refs that are not built, older versions first: where several have one image tag, the newest has it in the end. */
function movedRefs({ queue, refs }: Known, { repository, found, cause }: Found): Wanted[] {
  const sorted = [...found].sort(([a], [b]) => byVersion(a, b))
  return repository.rules.flatMap((rule) =>
    sorted.flatMap(([ref, commit]) => {
      const known = refs.of(rule.key)
      const match = matchRule(rule, repository, ref)
      if (match === undefined || isInWork(queue, { rule, ref, commit })) return []
      const built = known?.[ref]
      // What failed is tried again when somebody asks for it, not at every poll.
      if (built?.commit === commit && (built.outcome === 'done' || cause === 'poll')) return []
      const why = known === undefined ? ('added' as const) : cause
      return [{ ...wantedOf(repository, rule), ref, ...match, cause: why }]
    }),
  )
}

/** True if a ref waits, or is built as it is now. */
function isInWork(
  queue: Queue,
  { rule, ref, commit }: { readonly rule: Rule; readonly ref: string; readonly commit: string },
): boolean {
  return queue
    .list()
    .filter((one) => !isEnded(one) && one.rule === rule.key && one.ref === ref)
    .some((one) => one.status === 'waiting' || one.commit === undefined || one.commit === commit)
}
