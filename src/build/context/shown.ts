/** What context and Dockerfile of a request are called in events and notes: never with credentials. */
import { withoutCredentials } from '../../dockerfile/git-ref.ts'
import { redactUrl } from '../../http/url.ts'
import type { BuildRequest } from '../contract.ts'

/** The names of a request's sources. */
export function shownNames(request: Pick<BuildRequest, 'context' | 'dockerfile' | 'remote' | 'shown'>): {
  readonly context: string
  readonly dockerfile: string
} {
  const { dockerfile, shown = {} } = request
  const url = /^https?:\/\//.test(dockerfile) ? redactUrl(dockerfile) : dockerfile
  return { context: shown.context ?? shownContext(request), dockerfile: shown.dockerfile ?? url }
}

function shownContext({ context, remote }: Pick<BuildRequest, 'context' | 'remote'>): string {
  switch (remote?.kind) {
    case undefined:
      return context
    case 'git':
      return withoutCredentials(remote.url)
    case 'url':
      return redactUrl(remote.url)
    case 'archive':
      return '-'
  }
}
