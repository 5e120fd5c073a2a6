/** The repositories of a registry. Distribution's "Listing Repositories", which not every registry has. */
import { parseJsonObject } from '../core/json.ts'
import { readBounded } from '../http/body.ts'
import { headerOf } from '../http/message.ts'
import { nextPage } from './tags.ts'
import { type Target, failureOf } from './target.ts'

const maxPageBytes = 16 * 1024 * 1024
const maxPages = 10_000

/** All repositories, page by page, in the registry's order; `target` is of no repository. @throws WherryError `registry`, `auth-failed`, `network` */
export async function listRepositories(target: Target): Promise<string[]> {
  const names = new Set<string>()
  let next: string | URL | undefined = '_catalog?n=1000'
  for (let page = 0; next !== undefined && page < maxPages; page++) {
    const request = { method: 'GET', url: next, repository: undefined, actions: 'pull' } as const
    const response = await target.connection.send(request, target.signal)
    if (response.status !== 200) throw await failureOf(target, response, 'listing the repositories')
    const text = (await readBounded(response, maxPageBytes)).toString('utf8')
    const { repositories } = parseJsonObject(text, `the list of repositories of ${target.label}`)
    const list: readonly unknown[] = Array.isArray(repositories) ? repositories : []
    for (const name of list) if (typeof name === 'string') names.add(name)
    next = nextPage(headerOf(response, 'link'), response.url, target)
  }
  return [...names]
}
