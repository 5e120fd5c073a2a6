/** What the refs of a repository are now, asked of its server with the host's git. */
import { runGit } from '../build/git/run.ts'
import { gitSettings } from '../build/git/settings.ts'
import type { Repository } from './contract.ts'

/** What asking takes. */
export interface Asking {
  /** A folder that is no repository. */
  readonly folder: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Password for http(s) remotes. */
  readonly token: string | undefined
  readonly signal: AbortSignal
}

/** A server that does not answer for so long is given up, in milliseconds. */
const timeoutMs = 60_000

/**
 * The commits of branches and tags by full ref; an annotated tag is the commit that it points to.
 * @param ref only this one; all branches and tags if not given
 * @throws WherryError `context-invalid` with git's words, `host-unsupported`, `cancelled`
 */
export async function askRefs(
  { git }: Pick<Repository, 'git'>,
  { folder, env, token, signal }: Asking,
  ref?: string,
): Promise<ReadonlyMap<string, string>> {
  const get = (id: string): Promise<Buffer | undefined> =>
    Promise.resolve(id === 'GIT_AUTH_TOKEN' && token !== undefined ? Buffer.from(token) : undefined)
  const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  const settings = await gitSettings(git, { env, secrets: { get } }, { signal: limited })
  const asked = ref === undefined ? ['--heads', '--tags', '--', git] : ['--', git, ref, `${ref}^{}`]
  return refsOf(await runGit(folder, ['ls-remote', ...asked], settings))
}

/** Reads what `git ls-remote` prints; git-ls-remote(1). */
export function refsOf(output: string): ReadonlyMap<string, string> {
  const commits = new Map<string, string>()
  for (const line of output.split('\n')) {
    const [, object, name, peeled] = /^([0-9a-f]{40}|[0-9a-f]{64})\t(refs\/\S+?)(\^\{\})?$/.exec(line) ?? []
    // What a tag points to comes behind the tag.
    if (object !== undefined && name !== undefined && (peeled !== undefined || !commits.has(name)))
      commits.set(name, object)
  }
  return commits
}
