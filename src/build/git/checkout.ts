/** A git repository as a folder of files: fetched shallow, checked out, with its submodules. */
import { mkdir } from 'node:fs/promises'
import { WherryError } from '../../core/errors.ts'
import { type GitRef, withoutCredentials } from '../../dockerfile/git-ref.ts'
import { cleanGitDir, removeGitDirs, setTimes, subfolder } from './files.ts'
import { type Resolved, told } from './resolve.ts'
import { type GitSettings, runGit } from './run.ts'

/** What was checked out. */
export interface Checkout {
  /** The repository's root or the subfolder asked for. */
  readonly folder: string
  /** Hexadecimal. */
  readonly commit: string
  /** When it was committed, in seconds since 1970. */
  readonly time: number
}

type Git = (...args: string[]) => Promise<string>

/**
 * Checks out a resolved ref into `root`, which must not exist.
 * @throws WherryError `context-invalid` for a commit or a subfolder that is not there; as `runGit`
 */
export async function checkoutGit(
  { ref, resolved }: { readonly ref: GitRef; readonly resolved: Resolved },
  root: string,
  settings: GitSettings,
): Promise<Checkout> {
  return told(ref, async () => {
    const git: Git = (...args) => runGit(root, args, settings)
    const keep = ref.keepGitDir === true && ref.subdir === ''
    await mkdir(root, { mode: 0o755 })
    await fetchCommit(ref, resolved, { git, keep })
    await git('checkout', '-q', '--detach', resolved.commit, '--')
    const { commit, time } = await headOf(git)
    if (ref.submodules !== false) await shallow(git, 'submodule', 'update', '-q', '--init', '--recursive', depth)
    if (keep) await cleanGitDir(root, git)
    else await removeGitDirs(Buffer.from(root))
    const folder = await subfolder(root, ref.subdir)
    if (ref.mtime === 'commit') await setTimes(Buffer.from(folder), time)
    return { folder, commit, time }
  })
}

/**
 * When a resolved ref was committed, in seconds since 1970. Only the commit is fetched, if the server can do that.
 * @throws WherryError as `checkoutGit`
 */
export async function commitTime(
  { ref, resolved }: { readonly ref: GitRef; readonly resolved: Resolved },
  root: string,
  settings: GitSettings,
): Promise<number> {
  return told(ref, async () => {
    const git: Git = (...args) => runGit(root, args, settings)
    await mkdir(root, { mode: 0o755 })
    await fetchCommit(ref, resolved, { git, keep: false })
    return Number(await git('log', '-1', '--format=%ct', `${resolved.commit}^{commit}`))
  })
}

async function headOf(git: Git): Promise<{ commit: string; time: number }> {
  const [commit = '', time = ''] = (await git('log', '-1', '--format=%H %ct', 'HEAD')).trim().split(' ')
  return { commit, time: Number(time) }
}

const depth = '--depth=1'

/** Makes a repository and fetches the commit into it; a repository that is kept gets the ref under its name too. */
async function fetchCommit(
  ref: GitRef,
  { commit, name, tag }: Resolved,
  { git, keep }: { readonly git: Git; readonly keep: boolean },
): Promise<void> {
  const format = commit.length === 64 ? ['--object-format=sha256'] : []
  // No template: what is kept of the repository depends on the remote alone.
  await git('init', '-q', '--template=', ...format)
  await git('remote', 'add', 'origin', '--', withoutCredentials(ref.remote))
  if (name !== undefined) {
    const spec = keep && name.startsWith('refs/') ? `+${name}:${name}` : name
    await shallow(git, 'fetch', '-q', '--no-tags', '--update-head-ok', depth, 'origin', spec)
    const fetched = (await git('rev-parse', 'FETCH_HEAD', 'FETCH_HEAD^{commit}')).trim().split('\n')
    if (fetched.includes(commit) || (tag !== undefined && fetched.includes(tag))) return
    // The ref has moved since it was resolved.
  }
  try {
    await shallow(git, 'fetch', '-q', '--no-tags', depth, 'origin', commit)
  } catch (error) {
    // Not every server gives a commit by its name alone.
    if (!says(error, /not our ref|unadvertised object|no such remote ref|couldn't find remote ref|fetch-pack/i))
      throw error
    await git('fetch', '-q', '--tags', 'origin', '+refs/heads/*:refs/remotes/origin/*')
    if (!(await has(git, commit)))
      throw new WherryError('context-invalid', `repository does not contain commit ${commit}`)
  }
}

async function has(git: Git, commit: string): Promise<boolean> {
  return git('cat-file', '-e', commit).then(
    () => true,
    (error: unknown) => {
      if (error instanceof WherryError && error.code === 'context-invalid') return false
      throw error
    },
  )
}

/** Runs git with `--depth=1`, and without it for a server that cannot do that, as one of plain files. */
async function shallow(git: Git, ...args: string[]): Promise<void> {
  // A submodule's commit may be deeper than its server shows; for a fetch the caller has other means.
  const deeper = args[0] === 'fetch' ? /shallow|--depth/i : /shallow|--depth|not our ref|unadvertised object/i
  try {
    await git(...args)
  } catch (error) {
    if (!says(error, deeper)) throw error
    await git(...args.filter((arg) => arg !== depth))
  }
}

function says(error: unknown, words: RegExp): boolean {
  return error instanceof WherryError && error.code === 'context-invalid' && words.test(error.message)
}
