/** How a build runs git: the user's environment, and the credentials that the build was given for a host. */
import type { Scope } from '../../core/scope.ts'
import { withoutCredentials } from '../../dockerfile/git-ref.ts'
import type { Secrets } from '../inputs/secrets.ts'
import type { SshAgents } from '../inputs/ssh.ts'
import type { GitSettings } from './run.ts'

/** What the build has for reaching remotes. */
export interface GitInputs {
  readonly env?: GitSettings['env'] | undefined
  readonly secrets: Secrets
  /** For remotes that are reached by ssh. */
  readonly ssh?: SshAgents | undefined
}

/**
 * Settings for a remote. Of the secrets GIT_AUTH_HEADER.HOST, GIT_AUTH_TOKEN.HOST, GIT_AUTH_HEADER and GIT_AUTH_TOKEN the first that
 * the build has is sent to http(s) remotes, as BuildKit does.
 */
export async function gitSettings(
  remote: string,
  { env = {}, secrets, ssh }: GitInputs,
  { signal }: Pick<Scope, 'signal'>,
): Promise<GitSettings> {
  const bare = withoutCredentials(remote)
  const [root, host] = /^https?:\/\/([^/?#]+)/i.exec(bare) ?? []
  if (root === undefined || host === undefined) return { env: await withAgent(env, ssh), signal }
  const login = loginOf(remote, `${root}/`)
  const header = await firstSecret(host, secrets)
  return { env, signal, ...(login && { login }), ...(header && { auth: { url: tokenScope(bare), header } }) }
}

/** The agent that `--ssh` names is asked in the place of the environment's. */
async function withAgent(env: GitSettings['env'], ssh: SshAgents | undefined): Promise<GitSettings['env']> {
  const socket = await ssh?.socket('default')
  return socket === undefined ? env : { ...env, SSH_AUTH_SOCK: socket }
}

/** Where a token may go: to the remote alone, but to all repositories of github.com, as in BuildKit. */
function tokenScope(remote: string): string {
  return /^https:\/\/(www\.)?github\.com\//.exec(remote)?.[0] ?? remote
}

/** Credentials of the URL, for everything on its host: submodules may be named relative to it. */
function loginOf(remote: string, bare: string): GitSettings['login'] {
  if (!URL.canParse(remote)) return undefined
  const { username, password, protocol, host } = new URL(remote)
  if (username === '' && password === '') return undefined
  return { bare, full: `${protocol}//${username}${password === '' ? '' : `:${password}`}@${host}/` }
}

async function firstSecret(host: string, secrets: Secrets): Promise<string | undefined> {
  for (const suffix of [`.${host}`, '']) {
    const header = await secrets.get(`GIT_AUTH_HEADER${suffix}`)
    if (header !== undefined) return header.toString('utf8').trim()
    const token = await secrets.get(`GIT_AUTH_TOKEN${suffix}`)
    if (token !== undefined)
      return `basic ${Buffer.from(`x-access-token:${token.toString('utf8').trim()}`).toString('base64')}`
  }
  return undefined
}
