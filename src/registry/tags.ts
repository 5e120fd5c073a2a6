/** The tags of a repository. OCI distribution-spec, "Listing tags". */
import { parseJsonObject } from '../core/json.ts'
import { WherryError } from '../core/errors.ts'
import { readBounded } from '../http/body.ts'
import { headerOf } from '../http/message.ts'
import { type Target, failureOf, sendTo } from './target.ts'

const maxPageBytes = 16 * 1024 * 1024
const maxPages = 10_000

/** All tags, page by page, in the registry's order. Nulls (Nexus) and digests (Artifactory) among them are left out. */
export async function listTags(target: Target): Promise<string[]> {
  const tags = new Set<string>()
  let next: string | URL | undefined = 'tags/list'
  for (let page = 0; next !== undefined && page < maxPages; page++) {
    const response = await sendTo(target, { method: 'GET', url: next, actions: 'pull' })
    if (response.status !== 200) throw await failureOf(target, response, 'listing the tags')
    const answer = parseJsonObject(
      (await readBounded(response, maxPageBytes)).toString('utf8'),
      `the tag list of ${target.label}`,
    )
    const list: readonly unknown[] = Array.isArray(answer['tags']) ? answer['tags'] : []
    for (const tag of list) if (typeof tag === 'string' && !tag.includes(':')) tags.add(tag)
    next = nextPage(headerOf(response, 'link'), response.url, target)
  }
  return [...tags]
}

/** Where a `Link` header says that a list goes on; undefined at its end. @throws WherryError `registry` for a list that leads to itself */
export function nextPage(link: string | undefined, current: URL, target: Target): URL | undefined {
  const reference = /<([^>]*)>\s*;[^,]*\brel="?next"?/i.exec(link ?? '')?.[1]
  if (reference === undefined || !URL.canParse(reference, current.href)) return undefined
  const next = new URL(reference, current)
  // A registry behind a proxy that ends TLS may name itself by http or another port: only the path and query count.
  const same = new URL(next.pathname + next.search, target.connection.base)
  if (same.href === current.href) throw new WherryError('registry', `a list of ${target.label} does not end`)
  return same
}
