/** How a build runs git: the user's environment, and the credentials that the build was given for a host. */
import type { Scope } from '../../core/scope.ts'
import type { Secrets } from '../inputs/secrets.ts'
import type { GitSettings } from './run.ts'

/**
 * Settings for a remote. Of the secrets GIT_AUTH_HEADER.HOST, GIT_AUTH_TOKEN.HOST, GIT_AUTH_HEADER and GIT_AUTH_TOKEN the first that
 * the build has is sent to http(s) remotes, as BuildKit does.
 */
export async function gitSettings(
  remote: string,
  { env = {}, secrets }: { readonly env?: GitSettings['env']; readonly secrets: Secrets },
  { signal }: Scope,
): Promise<GitSettings> {
  const host = /^https?:\/\/(?:[^/@]*@)?([^/?#]+)/i.exec(remote)
  if (host === null) return { env, signal }
  const header = await firstSecret(host[1]!, secrets)
  if (header === undefined) return { env, signal }
  const url = host[0].replace(/\/\/[^/@]*@/, '//')
  return { env, signal, auth: { url: `${url}/`, header } }
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
