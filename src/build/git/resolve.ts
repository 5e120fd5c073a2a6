/** Which commit a ref is now, asked of the server without fetching anything. */
import { WherryError } from '../../core/errors.ts'
import { type GitRef, withoutCredentials } from '../../dockerfile/git-ref.ts'
import { type GitSettings, runGit } from './run.ts'

/** A ref and what it stands for. */
export interface Resolved {
  /** Hexadecimal; of an annotated tag the commit that it points to. A ref that is an object's name stays as it is. */
  readonly commit: string
  /** The ref in full, `refs/heads/main`; undefined if a commit was named. */
  readonly name?: string
  /** Object name of an annotated tag. */
  readonly tag?: string
}

const wholeSha = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/

/**
 * Resolves a ref. A name that is both a branch and a tag is the branch, as in BuildKit.
 * @param folder an existing folder that is no repository
 * @throws WherryError `context-invalid`, `digest-mismatch` if the checksum is another commit's; as `runGit`
 */
export async function resolveRef(ref: GitRef, folder: string, settings: GitSettings): Promise<Resolved> {
  return told(ref, async () => {
    if (ref.checksum !== '' && !/^[0-9a-f]+$/i.test(ref.checksum))
      throw new WherryError('context-invalid', `invalid checksum ${ref.checksum}, expected hex commit hash`)
    if (ref.ref.startsWith('-')) throw new WherryError('context-invalid', `invalid git ref "${ref.ref}"`)
    const resolved = namedCommit(ref) ?? (await askServer(ref, folder, settings))
    checkCommit(ref, resolved)
    return resolved
  })
}

/** The commit that needs no question. */
function namedCommit({ ref, checksum, fetchByCommit }: GitRef): Resolved | undefined {
  if (wholeSha.test(ref)) return { commit: ref }
  if (!fetchByCommit) return undefined
  if (wholeSha.test(checksum)) return { commit: checksum }
  throw new WherryError('context-invalid', 'fetch-by-commit needs a whole commit as checksum or ref')
}

async function askServer(ref: GitRef, folder: string, settings: GitSettings): Promise<Resolved> {
  const remote = withoutCredentials(ref.remote)
  const asked = ref.ref === '' ? ['--symref', '--', remote, 'HEAD'] : ['--', remote, ref.ref, `${ref.ref}^{}`]
  const lines = (await runGit(folder, ['ls-remote', ...asked], settings)).split('\n')
  const objects = new Map<string, string>()
  let head = 'HEAD'
  for (const line of lines) {
    const [object = '', name = ''] = line.split('\t')
    if (name === 'HEAD' && object.startsWith('ref: ')) head = object.slice('ref: '.length)
    else if (wholeSha.test(object)) objects.set(name, object)
  }
  if (ref.ref === '') {
    const commit = objects.get('HEAD')
    if (commit !== undefined) return { commit, name: head }
    throw new WherryError('context-invalid', 'the repository has no default branch')
  }
  return chosen(ref.ref, objects)
}

function chosen(ref: string, objects: ReadonlyMap<string, string>): Resolved {
  const names = ['refs/', 'refs/heads/', 'refs/tags/'].map((prefix) =>
    ref.startsWith(prefix) ? ref : `${prefix}${ref}`,
  )
  const name = [...names, ...(ref === 'HEAD' ? [ref] : [])].find((one) => objects.has(one))
  if (name === undefined) throw new WherryError('context-invalid', `repository does not contain ref ${ref}`)
  const object = objects.get(name)!
  const peeled = objects.get(`${name}^{}`)
  return peeled === undefined ? { commit: object, name } : { commit: peeled, name, tag: object }
}

/** The checksum may be that of the commit or of an annotated tag, whole or its beginning. */
function checkCommit({ checksum }: GitRef, { commit, tag }: Resolved): void {
  if ([commit, tag].some((object) => object?.startsWith(checksum))) return
  const found = tag === undefined ? commit : `${tag} or ${commit}`
  throw new WherryError('digest-mismatch', `expected checksum to match ${checksum}, got ${found}`, {
    hint: 'The ref is another commit than the checksum asks for.',
  })
}

/** Runs work on a repository; errors then say which one it is. */
export async function told<T>(ref: GitRef, work: () => Promise<T>): Promise<T> {
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
