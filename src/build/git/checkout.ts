/** A git repository as a folder of files: fetched shallow, checked out, with its submodules. */
import { lstat, mkdir, readdir, rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { WherryError } from '../../core/errors.ts'
import { type GitRef, withoutCredentials } from '../../dockerfile/git-ref.ts'
import { type GitSettings, runGit } from './run.ts'

/** What was checked out. */
export interface Checkout {
  /** The repository's root or the subfolder asked for. */
  readonly folder: string
  /** Hexadecimal. */
  readonly commit: string
}

const wholeSha = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/

/**
 * Checks out a repository into `root`, which must not exist.
 * @throws WherryError `context-invalid` for a repository, ref, subfolder or checksum that is not there; as `runGit`
 */
export async function checkoutGit(ref: GitRef, root: string, settings: GitSettings): Promise<Checkout> {
  return told(ref, async () => {
    const git = (...args: string[]): Promise<string> => runGit(root, args, settings)
    await mkdir(root, { mode: 0o755 })
    await git('init', '-q')
    await git('remote', 'add', 'origin', '--', ref.remote)
    await fetch(ref, git)
    await git('checkout', '-q', '--detach', 'FETCH_HEAD')
    const commit = (await git('rev-parse', 'HEAD')).trim()
    if (ref.checksum !== '') await checkCommit(ref, commit, git)
    if (ref.submodules !== false) await git('submodule', 'update', '-q', '--init', '--recursive', '--depth=1')
    const time = ref.mtime === 'commit' ? Number(await git('log', '-1', '--format=%ct')) : undefined
    if (ref.keepGitDir === true && ref.subdir === '') await cleanGitDir(ref, root, git)
    else await removeGitDirs(Buffer.from(root))
    const folder = await subfolder(root, ref.subdir)
    if (time !== undefined) await setTimes(Buffer.from(folder), time)
    return { folder, commit }
  })
}

/**
 * The commit that a ref is now, without fetching it.
 * @throws WherryError `context-invalid`
 */
export async function resolveCommit(ref: GitRef, folder: string, settings: GitSettings): Promise<string> {
  const wanted = ref.fetchByCommit && ref.checksum !== '' ? ref.checksum : ref.ref
  if (wholeSha.test(wanted)) return wanted
  return told(ref, async () => {
    const name = wanted === '' ? 'HEAD' : wanted
    const lines = (await runGit(folder, ['ls-remote', '--', ref.remote, name, `${name}^{}`], settings)).split('\n')
    const found = lines.map((line) => line.split('\t')).filter(([, refName]) => refName !== undefined)
    // An annotated tag is an object of its own; what it stands for is listed with ^{}.
    const peeled = found.find(([, refName]) => refName!.endsWith('^{}')) ?? found.find(isExact(name)) ?? found[0]
    if (peeled !== undefined) return peeled[0]!
    throw new WherryError('context-invalid', `repository does not contain ref ${name}`)
  })
}

/** The ref itself before others that end like it. */
function isExact(name: string): (line: readonly string[]) => boolean {
  const names = [name, `refs/tags/${name}`, `refs/heads/${name}`]
  return ([, refName]) => names.includes(refName ?? '')
}

type Git = (...args: string[]) => Promise<string>

async function fetch(ref: GitRef, git: Git): Promise<void> {
  const wanted = ref.fetchByCommit && ref.checksum !== '' ? ref.checksum : ref.ref === '' ? 'HEAD' : ref.ref
  try {
    await git('fetch', '-q', '--depth=1', '--no-tags', 'origin', '--', wanted)
  } catch (error) {
    // Not every server gives a commit by its name alone.
    if (!wholeSha.test(wanted)) throw error
    await git('fetch', '-q', '--tags', 'origin', '+refs/heads/*:refs/remotes/origin/*')
    await git('update-ref', 'FETCH_HEAD', wanted)
  }
}

/** The checksum may be that of the commit or of an annotated tag, whole or its beginning. */
async function checkCommit({ checksum }: GitRef, commit: string, git: Git): Promise<void> {
  const fetched = (await git('rev-parse', 'FETCH_HEAD')).trim()
  if (/^[0-9a-f]{7,64}$/.test(checksum) && (commit.startsWith(checksum) || fetched.startsWith(checksum))) return
  throw new WherryError('digest-mismatch', `expected checksum to match ${checksum}, got ${commit}`, {
    hint: 'The ref is another commit than the checksum asks for.',
  })
}

/** Leaves no credentials in .git, and nothing that differs from clone to clone but times. */
async function cleanGitDir(ref: GitRef, root: string, git: Git): Promise<void> {
  await git('remote', 'set-url', 'origin', '--', withoutCredentials(ref.remote))
  await git('reflog', 'expire', '--all', '--expire=now')
  await rm(join(root, '.git', 'FETCH_HEAD'), { force: true })
}

/** Also the `.git` files of submodules, which point to where they were fetched. */
async function removeGitDirs(folder: Buffer): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true, encoding: 'buffer' })) {
    const path = Buffer.concat([folder, Buffer.from('/'), entry.name])
    if (entry.name.toString('latin1') === '.git') await rm(path, { recursive: true, force: true })
    else if (entry.isDirectory()) await removeGitDirs(path)
  }
}

async function subfolder(root: string, subdir: string): Promise<string> {
  let folder = root
  for (const part of subdir.split('/').filter((name) => name !== '')) {
    folder = join(folder, part)
    const stats = await lstat(folder).catch(() => undefined)
    if (stats?.isDirectory() !== true)
      throw new WherryError('context-invalid', `the repository has no folder ${subdir}`, {
        hint: 'The part after the colon of #REF:SUBDIR is a folder of the repository.',
      })
  }
  return folder
}

async function setTimes(folder: Buffer, seconds: number): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true, encoding: 'buffer' })) {
    const path = Buffer.concat([folder, Buffer.from('/'), entry.name])
    if (entry.isDirectory()) await setTimes(path, seconds)
    else if (entry.isFile()) await utimes(path, seconds, seconds)
  }
  await utimes(folder, seconds, seconds)
}

async function told<T>(ref: GitRef, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof WherryError) || error.code === 'cancelled') throw error
    const { code, message, hint, cause } = error
    const name = `${withoutCredentials(ref.remote)}${ref.ref === '' ? '' : `#${ref.ref}`}`
    throw new WherryError(code, `${name}: ${message}`, {
      hint:
        hint ??
        'Is the address right, and may you read it? Private repositories need --ssh or the secret GIT_AUTH_TOKEN.',
      cause,
    })
  }
}
