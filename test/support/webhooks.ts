/** Webhooks in the forms that the hosts document, signed as they sign them. Run as a program it is a post-receive hook. */
import { createHmac, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** Who sends. */
export type Sender = 'github' | 'gitlab' | 'gitlab-signed' | 'gitea' | 'bitbucket' | 'bitbucket-server'

/** A ref that moved; zeros for none. */
export interface Moved {
  readonly before: string
  readonly after: string
  readonly ref: string
}

/** A request to post. */
export interface Posting {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What may be other than usual. */
export interface PostingOptions {
  readonly id?: string
  /** When it is signed, in milliseconds since 1970. */
  readonly now?: number
}

const zeros = '0'.repeat(40)
const commitOf = (id: string): object => ({
  id,
  message: 'commit\n',
  timestamp: '2020-09-13T12:26:40Z',
  url: `https://git.example.com/acme/app/commit/${id}`,
  author: { name: 'A', email: 'a@example.com' },
  added: ['Dockerfile'],
  removed: [],
  modified: [],
})

function hmac(secret: string | Buffer, body: string, encoding: 'hex' | 'base64' = 'hex'): string {
  return createHmac('sha256', secret).update(body).digest(encoding)
}

/** A delivery that tells of one ref. */
export function posting(sender: Sender, moved: Moved, secret: string, options: PostingOptions = {}): Posting {
  const { id = randomUUID(), now = Date.now() } = options
  const body = JSON.stringify(payload(sender, moved, now))
  const json = { 'content-type': 'application/json' }
  switch (sender) {
    case 'github':
      return {
        body,
        headers: {
          ...json,
          'user-agent': 'GitHub-Hookshot/044aadd',
          'x-github-delivery': id,
          'x-github-event': 'push',
          'x-github-hook-id': '292430182',
          'x-hub-signature': `sha1=${createHmac('sha1', secret).update(body).digest('hex')}`,
          'x-hub-signature-256': `sha256=${hmac(secret, body)}`,
        },
      }
    case 'gitea':
      return {
        body,
        headers: {
          ...json,
          'x-gitea-delivery': id,
          'x-gitea-event': 'push',
          'x-gitea-event-type': 'push',
          'x-gitea-signature': hmac(secret, body),
          'x-gogs-delivery': id,
          'x-gogs-event': 'push',
          'x-hub-signature-256': `sha256=${hmac(secret, body)}`,
        },
      }
    case 'gitlab':
    case 'gitlab-signed': {
      const time = String(Math.floor(now / 1000))
      const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
      const signed = {
        'webhook-id': id,
        'webhook-timestamp': time,
        'webhook-signature': `v1,${hmac(key, `${id}.${time}.${body}`, 'base64')}`,
      }
      const event = moved.ref.startsWith('refs/tags/') ? 'Tag Push Hook' : 'Push Hook'
      return {
        body,
        headers: {
          ...json,
          'user-agent': 'GitLab/17.7.0-pre',
          'idempotency-key': id,
          'x-gitlab-event': event,
          'x-gitlab-event-uuid': id,
          ...(sender === 'gitlab' ? { 'x-gitlab-token': secret } : signed),
        },
      }
    }
    case 'bitbucket':
    case 'bitbucket-server':
      return {
        body,
        headers: {
          ...json,
          'x-event-key': sender === 'bitbucket' ? 'repo:push' : 'repo:refs_changed',
          ...(sender === 'bitbucket'
            ? { 'x-request-uuid': id, 'x-hook-uuid': randomUUID(), 'x-attempt-number': '1' }
            : { 'x-request-id': id }),
          'x-hub-signature': `sha256=${hmac(secret, body)}`,
        },
      }
  }
}

function payload(sender: Sender, { before, after, ref }: Moved, now: number): object {
  const isTag = ref.startsWith('refs/tags/')
  const name = ref.replace(/^refs\/(heads|tags)\//, '')
  const commits = after === zeros ? [] : [commitOf(after)]
  switch (sender) {
    case 'github':
      return {
        ref,
        before,
        after,
        repository: { id: 1, name: 'app', full_name: 'acme/app', pushed_at: now, default_branch: 'main' },
        pusher: { name: 'ada', email: 'ada@example.com' },
        created: before === zeros,
        deleted: after === zeros,
        forced: false,
        base_ref: null,
        compare: 'https://git.example.com/acme/app/compare',
        commits,
        head_commit: commits[0] ?? null,
      }
    case 'gitea':
      return {
        ref,
        before,
        after,
        compare_url: 'https://git.example.com/acme/app/compare',
        commits,
        total_commits: 1,
        head_commit: commits[0] ?? null,
        repository: { id: 140, name: 'app', full_name: 'acme/app', updated_at: new Date(now).toISOString() },
        pusher: { id: 1, login: 'ada' },
        sender: { id: 1, login: 'ada' },
      }
    case 'gitlab':
    case 'gitlab-signed':
      return {
        object_kind: isTag ? 'tag_push' : 'push',
        event_name: isTag ? 'tag_push' : 'push',
        before,
        after,
        ref,
        checkout_sha: after === zeros ? null : after,
        user_id: 4,
        user_username: 'ada',
        project_id: 15,
        project: { id: 15, name: 'app', path_with_namespace: 'acme/app', default_branch: 'main' },
        commits,
        total_commits_count: commits.length,
      }
    case 'bitbucket': {
      const state = (hash: string): object | null =>
        hash === zeros
          ? null
          : {
              type: isTag ? 'tag' : 'branch',
              name,
              target: { type: 'commit', hash, date: '2020-09-13T12:26:40+00:00' },
            }
      const change = { new: state(after), old: state(before), created: before === zeros, closed: after === zeros }
      return {
        actor: { type: 'user', nickname: 'ada' },
        repository: { type: 'repository', name: 'app', full_name: 'acme/app' },
        push: { changes: [{ ...change, forced: false, truncated: false }] },
      }
    }
    case 'bitbucket-server':
      return {
        eventKey: 'repo:refs_changed',
        date: '2020-09-13T12:26:40+1000',
        actor: { name: 'ada', id: 1 },
        repository: { slug: 'app', id: 84, project: { key: 'ACME' } },
        changes: [
          {
            ref: { id: ref, displayId: name, type: isTag ? 'TAG' : 'BRANCH' },
            refId: ref,
            fromHash: before,
            toHash: after,
            type: before === zeros ? 'ADD' : after === zeros ? 'DELETE' : 'UPDATE',
          },
        ],
      }
  }
}

/** Posts a delivery; status and text of the answer. */
export async function post(url: string, { headers, body }: Posting): Promise<{ status: number; text: string }> {
  const response = await fetch(url, { method: 'POST', headers, body })
  return { status: response.status, text: (await response.text()).trim() }
}

// `node webhooks.mjs SENDER URL SECRET` reads githooks(5) post-receive lines.
const [, , sender, url, secret] = process.argv
if (process.env['GIT_DIR'] !== undefined && sender !== undefined && url !== undefined && secret !== undefined) {
  for (const line of readFileSync(0, 'utf8').trim().split('\n')) {
    const [before = '', after = '', ref = ''] = line.split(' ')
    const { status, text } = await post(url, posting(sender as Sender, { before, after, ref }, secret))
    process.stdout.write(`hook: ${status} ${text}\n`)
  }
}
