/** Makes one build: which commit it is of, the process that builds and pushes, and what came of it. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Digest, isDigest } from '../core/digest.ts'
import { asWherryError } from '../core/errors.ts'
import { ifStillThere } from '../core/if-there.ts'
import { isJsonObject, parseJsonObject } from '../core/json.ts'
import { sleep } from '../core/schedule.ts'
import { parseReference } from '../oci/reference.ts'
import { runBuild } from './build-process.ts'
import type { BuildRecord, Repository, Rule } from './contract.ts'
import { type BuildLog, openLog, redactor } from './log-file.ts'
import type { Ending } from './queue.ts'
import { askRefs } from './remote.ts'
import { readPrivate, readSecret, secretValues } from './secrets.ts'
import type { BuiltRef, StateFiles } from './state.ts'

/** What builds are made with. */
export interface BuildSetting {
  /** Program and first arguments of a wherry: `node`, `wherry.js`. */
  readonly program: readonly [string, ...string[]]
  /** Options that every build gets. */
  readonly options: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly files: Pick<StateFiles, 'logPath' | 'tempPath'>
  note(this: void, line: string): void
}

/** A build with what it is about. */
export interface BuildTask {
  readonly record: BuildRecord
  readonly repository: Repository
  readonly rule: Rule
  /** What was built last of this rule and ref. */
  readonly built: BuiltRef | undefined
  /** Told as soon as it is known. */
  onCommit(this: void, commit: string): Promise<void>
}

/** How it ended; `commit` if it came so far. */
export interface Performed extends Ending {
  readonly commit?: string
}

/** What reaching the repository and the registry takes. */
interface Credentials {
  readonly git: string | undefined
  readonly push: string | undefined
}

/**
 * Makes a build. What is built is what the ref is now, whatever the push said: an old push that somebody sends again builds nothing
 * old. Failures are an ending; only an aborted signal throws.
 */
export async function perform(task: BuildTask, setting: BuildSetting, signal: AbortSignal): Promise<Performed> {
  const { repository, record } = task
  const { env, files, note } = setting
  let log: BuildLog | undefined
  try {
    const credentials = {
      git: repository.gitToken && (await readSecret(repository.gitToken, env)),
      push: repository.pushToken && (await readPrivate(repository.pushToken, env)),
    }
    const hook = repository.hook && (await readSecret(repository.hook.secret, env).catch(() => undefined))
    const secrets = [credentials.git, credentials.push, hook].filter((one) => one !== undefined)
    log = openLog(files.logPath(record.id), redactor([...secrets, ...secretValues(env)]), (error) =>
      note(`build ${record.id}: the log cannot be written: ${String(error)}`),
    )
    return await attempt(task, { ...setting, log, credentials }, signal)
  } catch (error) {
    signal.throwIfAborted()
    const message = asWherryError(error).message
    log?.line(`ERROR: ${message}`)
    return { status: 'failed', message: redactor(secretValues(env))(message) }
  } finally {
    await log?.close()
  }
}

type Attempt = BuildSetting & { readonly log: BuildLog; readonly credentials: Credentials }

async function attempt(task: BuildTask, parts: Attempt, signal: AbortSignal): Promise<Performed> {
  const { repository, rule, record, built } = task
  const commit = await currentCommit(task, parts, signal)
  if (commit === undefined) return { status: 'stopped', message: `the repository has no ${record.ref} any more` }
  await task.onCommit(commit)
  if (built?.commit === commit && built.outcome === 'done') {
    return { status: 'unchanged', message: 'this commit is built already', commit }
  }
  parts.log.line(`building ${repository.git} at ${record.ref} (${commit}), ${rule.dockerfile}`)
  const [metadata, auth] = [parts.files.tempPath(record.id, 'metadata'), parts.files.tempPath(record.id, 'auth')]
  try {
    const code = await runBuild({
      command: [...parts.program, 'build', ...buildArguments(task, parts, { commit, metadata })],
      env: { ...(await childEnvironment(task, parts, auth)) },
      cwd: dirname(metadata),
      log: parts.log,
      signal,
    })
    signal.throwIfAborted()
    if (code !== 0) {
      const message = parts.log.lastError() ?? `wherry build ended with ${code ?? 'a signal'}`
      return { status: 'failed', message, commit }
    }
    return { status: 'done', digest: await pushedDigest(metadata), commit }
  } finally {
    await Promise.all([metadata, auth].map((path) => rm(path, { force: true })))
  }
}

/** Waits between tries, in milliseconds: servers fail for a moment, and some tell of a push before all of them know it. */
const pauses = [500, 2000, 5000]

async function currentCommit(
  { repository, record }: BuildTask,
  { files, env, credentials, log }: Attempt,
  signal: AbortSignal,
): Promise<string | undefined> {
  const asking = { folder: dirname(files.logPath(record.id)), env, token: credentials.git, signal }
  for (const pause of [...pauses, undefined]) {
    try {
      const commit = (await askRefs(repository, asking, record.ref)).get(record.ref)
      const isBehind = commit === record.before && commit !== record.after
      if (!isBehind || pause === undefined) return commit
    } catch (error) {
      signal.throwIfAborted()
      if (pause === undefined) throw error
      log.line(`${asWherryError(error).message}; trying again`)
    }
    await sleep(pause, signal)
  }
  return undefined
}

function buildArguments(
  { repository, rule, record }: BuildTask,
  { options, credentials }: Attempt,
  { commit, metadata }: { readonly commit: string; readonly metadata: string },
): string[] {
  const each = (option: string, values: readonly string[]): string[] => values.map((value) => `${option}=${value}`)
  return [
    ...options,
    '--progress=plain',
    '--push',
    `--file=${rule.dockerfile}`,
    `--metadata-file=${metadata}`,
    ...each('--tag', record.images),
    ...each('--build-arg', rule.buildArgs),
    ...(rule.platforms.length > 0 ? [`--platform=${rule.platforms.join(',')}`] : []),
    ...(rule.target === undefined ? [] : [`--target=${rule.target}`]),
    ...(credentials.git === undefined ? [] : [`--secret=id=GIT_AUTH_TOKEN,env=${tokenVariable}`]),
    `${repository.git}#${commit}${rule.context === '' ? '' : `:${rule.context}`}`,
  ]
}

const tokenVariable = 'WHERRY_AUTOBUILD_GIT_TOKEN'

/** Without the secrets that are ours alone, and with the password for the push where there is one. */
async function childEnvironment(
  { repository }: BuildTask,
  { env, credentials }: Attempt,
  authFile: string,
): Promise<Record<string, string | undefined>> {
  const own = [repository.hook?.secret, repository.gitToken].flatMap((place) =>
    place && 'variable' in place ? [place.variable] : [],
  )
  const child = Object.fromEntries(Object.entries(env).filter(([name]) => !own.includes(name)))
  if (credentials.git !== undefined) child[tokenVariable] = credentials.git
  if (credentials.push !== undefined) {
    await writeAuth(authFile, { repository, token: credentials.push, before: env['REGISTRY_AUTH_FILE'] })
    child['REGISTRY_AUTH_FILE'] = authFile
  }
  return child
}

/** The name under which the embedded registry takes the token. */
const pushUser = 'autobuild'

/** A file of credentials with the repository's own before those that were there. containers-auth.json(5). */
async function writeAuth(
  path: string,
  given: { readonly repository: Repository; readonly token: string; readonly before: string | undefined },
): Promise<void> {
  const text = given.before ? await ifStillThere(readFile(given.before, 'utf8')) : undefined
  const raw = text?.trim() ? parseJsonObject(text, given.before ?? '') : {}
  const { registry, repository } = parseReference(given.repository.image)
  const auth = Buffer.from(`${pushUser}:${given.token}`).toString('base64')
  const auths = { ...(isJsonObject(raw['auths']) ? raw['auths'] : {}), [`${registry}/${repository}`]: { auth } }
  await writeFile(path, JSON.stringify({ ...raw, auths }), { mode: 0o600, flag: 'w' })
}

async function pushedDigest(metadata: string): Promise<Digest | undefined> {
  const digest = parseJsonObject(await readFile(metadata, 'utf8'), metadata)['containerimage.digest']
  return typeof digest === 'string' && isDigest(digest) ? digest : undefined
}
