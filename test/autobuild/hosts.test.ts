/** Webhooks as the hosts document them: what is authentic, what is read out of them, what is taken once. */
import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { HostName } from '../../src/autobuild/contract.ts'
import { type Delivery, Malformed } from '../../src/autobuild/hosts/delivery.ts'
import { hosts } from '../../src/autobuild/hosts/hosts.ts'
import { type Moved, type Posting, type Sender, posting } from '../support/webhooks.ts'

const [a, b, zeros] = ['a'.repeat(40), 'b'.repeat(40), '0'.repeat(40)]
const signingToken = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const branch: Moved = { before: a, after: b, ref: 'refs/heads/main' }
const now = Date.parse('2026-01-02T03:04:05Z')

const senders: readonly (readonly [Sender, HostName, string])[] = [
  ['github', 'github', 'a secret'],
  ['gitea', 'gitea', 'a secret'],
  ['gitlab', 'gitlab', 'a secret'],
  ['gitlab-signed', 'gitlab', signingToken],
  ['bitbucket', 'bitbucket', 'a secret'],
  ['bitbucket-server', 'bitbucket', 'a secret'],
]
const deliveryOf = ({ headers, body }: Posting): Delivery => ({ headers, body: Buffer.from(body) })

describe.each(senders)('%s', (sender, name, secret) => {
  const host = hosts[name]
  const made = (moved: Moved = branch, key = secret): Delivery =>
    deliveryOf(posting(sender, moved, key, { id: 'i', now }))

  it('is authentic with its secret, and in no other way', () => {
    const good = made()
    expect(host.isAuthentic(good, secret, now)).toBe(true)
    expect(host.isAuthentic(good, `x${secret}`, now)).toBe(false)
    expect(host.isAuthentic(good, secret.replace(/.{8}=?$/, 'AAAAAAAA'), now)).toBe(false)
    expect(host.isAuthentic(made(branch, 'whsec_AAAA'), secret, now)).toBe(false)
    expect(host.isAuthentic({ ...good, headers: {} }, secret, now)).toBe(false)
    for (const header of Object.keys(good.headers).filter((one) => /signature|token/.test(one))) {
      const empty = { ...good.headers, [header]: '' }
      const others = Object.keys(good.headers).filter((one) => /signature/.test(one) && one !== header)
      if (others.length === 0) expect(host.isAuthentic({ ...good, headers: empty }, secret, now)).toBe(false)
    }
    if (sender !== 'gitlab') {
      expect(host.isAuthentic({ ...good, body: Buffer.from(`${good.body.toString()} `) }, secret, now)).toBe(false)
    }
  })

  it('tells of branches and tags that came or moved, and not of those that went', () => {
    for (const ref of ['refs/heads/main', 'refs/heads/feature/x', 'refs/tags/v1']) {
      expect(host.read(made({ ...branch, ref }))).toEqual({ kind: 'push', pushes: [{ before: a, after: b, ref }] })
      const created = host.read(made({ before: zeros, after: b, ref }))
      expect(created).toEqual({ kind: 'push', pushes: [{ before: undefined, after: b, ref }] })
      expect(host.read(made({ before: a, after: zeros, ref }))).toEqual({ kind: 'push', pushes: [] })
    }
  })

  it('with a body that is none is malformed', () => {
    for (const body of ['', '{', '[]', 'null', '{}', '{"ref":1}', '{"object_kind":"push","ref":"main"}']) {
      expect(() => host.read({ ...made(), body: Buffer.from(body) }), body).toThrow(Malformed)
    }
    const hostile = made({ ...branch, after: '../../etc' })
    expect(() => host.read(hostile)).toThrow(Malformed)
  })

  it('has a name by which it is taken once', () => {
    const [one, other] = [host.names(made()), host.names(deliveryOf(posting(sender, branch, secret, { id: 'j', now })))]
    expect(one.once.length).toBeGreaterThan(0)
    expect(host.names(made())).toEqual(one)
    expect(other.once[0]).not.toBe(one.once[0])
  })
})

describe('GitHub', () => {
  it('documents a signature that comes out here too', () => {
    const body = Buffer.from('Hello, World!')
    const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'
    const delivery = { headers: { 'x-hub-signature-256': signature }, body }
    expect(hosts.github.isAuthentic(delivery, "It's a Secret to Everybody", now)).toBe(true)
    expect(hosts.github.isAuthentic(delivery, "It's no Secret", now)).toBe(false)
  })

  it('may send a form, pings, and other events', () => {
    const { headers, body } = posting('github', branch, 's')
    const form = { ...headers, 'content-type': 'application/x-www-form-urlencoded' }
    const sent = Buffer.from(`payload=${encodeURIComponent(body)}`)
    expect(hosts.github.read({ headers: form, body: sent })).toMatchObject({ pushes: [{ ref: branch.ref }] })
    const event = (name: string): Delivery => ({ headers: { 'x-github-event': name }, body: Buffer.from('{}') })
    expect(hosts.github.read(event('ping'))).toEqual({ kind: 'ping' })
    expect(hosts.github.read(event('create'))).toEqual({ kind: 'other', name: 'create' })
  })

  it('does not take the older signature with SHA-1', () => {
    const body = Buffer.from('{}')
    const signature = `sha1=${createHmac('sha1', 's').update(body).digest('hex')}`
    for (const header of ['x-hub-signature', 'x-hub-signature-256'])
      expect(hosts.github.isAuthentic({ headers: { [header]: signature }, body }, 's', now)).toBe(false)
  })
})

it('Forgejo and Gogs are read as Gitea', () => {
  for (const name of ['forgejo', 'gogs']) {
    const { headers, body } = posting('gitea', branch, 's')
    const renamed = Object.entries(headers).filter(([key]) => !key.startsWith('x-gogs'))
    const own = Object.fromEntries(renamed.map(([key, value]) => [key.replace('x-gitea', `x-${name}`), value]))
    const delivery = deliveryOf({ headers: own, body })
    expect(hosts.gitea.isAuthentic(delivery, 's', now)).toBe(true)
    expect(hosts.gitea.read(delivery)).toMatchObject({ kind: 'push' })
  }
})

describe('GitLab', () => {
  it('signs for five minutes', () => {
    const { headers, body } = posting('gitlab-signed', branch, signingToken, { now })
    const at = (ms: number): boolean => hosts.gitlab.isAuthentic(deliveryOf({ headers, body }), signingToken, now + ms)
    expect([0, 290_000, -290_000, 310_000, -310_000].map(at)).toEqual([true, true, true, false, false])
  })

  it('takes no signing token that everybody could guess', () => {
    for (const token of ['whsec_', 'whsec_!!', 'whsec_AAAA']) {
      const { headers, body } = posting('gitlab-signed', branch, token, { now })
      expect(hosts.gitlab.isAuthentic(deliveryOf({ headers, body }), token, now)).toBe(false)
    }
  })

  it('with a signing token does not send the token, and whoever does is refused', () => {
    const delivery = { headers: { 'x-gitlab-token': signingToken }, body: Buffer.from('{}') }
    expect(hosts.gitlab.isAuthentic(delivery, signingToken, now)).toBe(false)
  })
})

it('Bitbucket tells of several refs at once', () => {
  const change = (name: string, type: string): object => ({ new: { type, name, target: { hash: b } }, old: null })
  const body = Buffer.from(JSON.stringify({ push: { changes: [change('main', 'branch'), change('v1', 'tag')] } }))
  expect(hosts.bitbucket.read({ headers: { 'x-event-key': 'repo:push' }, body })).toEqual({
    kind: 'push',
    pushes: [
      { ref: 'refs/heads/main', before: undefined, after: b },
      { ref: 'refs/tags/v1', before: undefined, after: b },
    ],
  })
})
