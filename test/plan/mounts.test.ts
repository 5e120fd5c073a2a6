/** RUN --mount in a plan: defaults of each type, where trees come from, and what counts for the cache key. */
import { describe, expect, it } from 'vitest'
import { WherryError } from '../../src/core/errors.ts'
import type { Plan, PlanOptions, RunMount } from '../../src/plan/contract.ts'
import { baseImage, config, kinds, plan, runs } from './planned.ts'

const lines = (...text: readonly string[]): string => `${text.join('\n')}\n`

/** The mounts of a RUN with these values, in /work. */
async function mountsOf(values: readonly string[], options: Partial<PlanOptions> = {}): Promise<readonly RunMount[]> {
  const flags = values.map((value) => `--mount=${value}`).join(' ')
  const p = await plan(lines('FROM scratch', 'WORKDIR /work', 'ARG V=value', `RUN ${flags} x`), options)
  return runs(p)[0]!.mounts
}
const mountOf = async (value: string, options?: Partial<PlanOptions>): Promise<RunMount> =>
  (await mountsOf([value], options))[0]!

async function refusal(...text: readonly string[]): Promise<WherryError> {
  const error: unknown = await plan(lines(...text)).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof WherryError) return error
  throw new Error('it was taken')
}

describe('a cache mount', () => {
  const plain = { type: 'cache', sharing: 'shared', readOnly: false, source: '/', mode: 0o755, uid: 0, gid: 0 }

  it('is named by its target as it is written, and lies below the working directory', async () => {
    expect(await mountOf('type=cache,target=/root/.cache')).toEqual({
      ...plain,
      id: '//root/.cache',
      target: '/root/.cache',
    })
    expect(await mountOf('type=cache,target=sub/../deps')).toEqual({ ...plain, id: '/deps', target: '/work/deps' })
    expect(await mountOf('type=cache,target=$V')).toEqual({ ...plain, id: '/value', target: '/work/value' })
  })

  it('has the id that it is given, in the namespace of BUILDKIT_CACHE_MOUNT_NS', async () => {
    expect(await mountOf('type=cache,target=/c,id=go')).toMatchObject({ id: '/go' })
    const buildArgs = { BUILDKIT_CACHE_MOUNT_NS: 'team' }
    expect(await mountOf('type=cache,target=/c,id=go', { buildArgs })).toMatchObject({ id: 'team/go' })
    expect(await mountOf('type=cache,target=/c', { buildArgs })).toMatchObject({ id: 'team//c' })
  })

  it('keeps what it is told of sharing, source, mode and owner', async () => {
    const value = 'type=cache,target=/c,sharing=locked,source=sub,mode=0700,uid=7,gid=8,ro'
    const expected = { sharing: 'locked', source: '/sub', mode: 0o700, uid: 7, gid: 8, readOnly: true }
    expect(await mountOf(value)).toMatchObject(expected)
  })

  it('begins as a copy of what from names', async () => {
    const p = await plan(
      lines('FROM a AS seed', 'RUN seed', 'FROM b', 'RUN --mount=type=cache,target=/c,from=seed,source=/d x'),
    )
    const [seed, run] = runs(p)
    expect(run?.mounts[0]).toMatchObject({ source: '/d', seed: { kind: 'step', id: seed?.id } })
  })
})

describe('a bind mount', () => {
  it('is of the context, as a step that takes its part alone, and read-only', async () => {
    const p = await plan(lines('FROM scratch', 'WORKDIR /work', 'RUN --mount=source=a/b,target=t x'))
    expect(kinds(p)).toEqual(['workdir', 'copy', 'run'])
    const [mount] = runs(p)[0]!.mounts
    expect(mount).toMatchObject({ type: 'bind', source: '/a/b', target: '/work/t', readOnly: true })
    expect(mount).toHaveProperty('tree.kind', 'step')
  })

  it('can be written to when it says so', async () => {
    expect(await mountOf('target=/t,rw')).toMatchObject({ readOnly: false })
    expect(await mountOf('target=/t,readonly=false')).toMatchObject({ readOnly: false })
  })

  it('is of a stage or an image, by name or number', async () => {
    const stage = ['FROM a AS tools', 'RUN tools', 'FROM b']
    for (const from of ['tools', 'TOOLS', '0']) {
      const p = await plan(lines(...stage, `RUN --mount=from=${from},target=/t x`))
      const [tools, run] = runs(p)
      expect(run?.mounts[0], from).toMatchObject({ source: '/', tree: { kind: 'step', id: tools?.id } })
    }
    const image = baseImage('golang')
    const p = await plan(lines('FROM b', 'RUN --mount=from=golang,target=/t,source=/usr x'), {}, { golang: image })
    const tree = { kind: 'base', diffIds: image.layers.map(({ diffId }) => diffId) }
    expect(runs(p)[0]?.mounts[0]).toMatchObject({ source: '/usr', tree })
  })

  it('cannot be at the root, nor can others', async () => {
    for (const target of ['target=/', 'target=/x/..', 'type=tmpfs,target=/', 'type=cache,target=//'])
      expect((await refusal('FROM a', `RUN --mount=${target} x`)).message).toBe('invalid mount target "/"')
  })
})

describe('a tmpfs', () => {
  it('has a size if it is given one', async () => {
    expect(await mountsOf(['type=tmpfs,target=t', 'type=tmpfs,target=/u,size=1m'])).toEqual([
      { type: 'tmpfs', target: '/work/t' },
      { type: 'tmpfs', target: '/u', size: 1 << 20 },
    ])
  })
})

describe('a secret', () => {
  const plain = { type: 'secret', required: false, mode: 0o400, uid: 0, gid: 0 }

  it.each<[string, object]>([
    ['id=a', { id: 'a', target: '/run/secrets/a' }],
    ['id=a/b', { id: 'a/b', target: '/run/secrets/b' }],
    ['source=a', { id: 'a', target: '/run/secrets/a' }],
    ['target=/etc/key', { id: 'key', target: '/etc/key' }],
    // Not below the working directory, as in BuildKit.
    ['id=a,target=rel/key', { id: 'a', target: '/rel/key' }],
    ['id=a,env=A', { id: 'a', env: 'A' }],
    ['id=a,env=A,target=/k', { id: 'a', env: 'A', target: '/k' }],
    ['id=$V,env=$V', { id: 'value', env: 'value' }],
    [
      'id=a,mode=0444,uid=1,gid=2,required',
      { id: 'a', target: '/run/secrets/a', mode: 0o444, uid: 1, gid: 2, required: true },
    ],
  ])('of %s', async (value, expected) => {
    expect(await mountOf(`type=secret,${value}`)).toEqual({ ...plain, ...expected })
  })

  it.each(['', 'LD_PRELOAD', 'PATH', 'a-b', '1A', 'BASH_ENV', 'IFS'])('cannot be the variable "%s"', async (name) => {
    const error = await refusal('FROM a', `RUN --mount=type=secret,id=a,env=${name} x`)
    expect(error).toMatchObject({
      message: `a secret cannot be the variable ${JSON.stringify(name)}`,
      at: { startLine: 2 },
    })
  })
})

describe('an ssh agent', () => {
  const plain = { type: 'ssh', required: false, mode: 0o600, uid: 0, gid: 0 }

  it('is the default one, at a path that counts agents, and SSH_AUTH_SOCK leads to the first', async () => {
    const flags =
      '--mount=type=ssh --mount=type=tmpfs,target=/t --mount=type=ssh,id=b --mount=type=ssh,target=/s,mode=0666'
    const p = await plan(lines('FROM scratch', `RUN ${flags} x`, 'RUN y'))
    const [run, next] = runs(p)
    expect(run?.mounts.filter(({ type }) => type === 'ssh')).toEqual([
      { ...plain, id: 'default', target: '/run/buildkit/ssh_agent.0' },
      { ...plain, id: 'b', target: '/run/buildkit/ssh_agent.1' },
      { ...plain, id: 'default', target: '/s', mode: 0o666 },
    ])
    expect(run?.env).toContain('SSH_AUTH_SOCK=/run/buildkit/ssh_agent.0')
    expect(next?.env.join()).not.toContain('SSH_AUTH_SOCK')
    expect(config(p).env.join()).not.toContain('SSH_AUTH_SOCK')
  })

  it('leaves a variable of that name as it is', async () => {
    const p = await plan(lines('FROM scratch', 'ENV SSH_AUTH_SOCK=/mine', 'RUN --mount=type=ssh x'))
    expect(runs(p)[0]?.env.filter((entry) => entry.startsWith('SSH_AUTH_SOCK='))).toEqual(['SSH_AUTH_SOCK=/mine'])
  })
})

it('ONBUILD RUN has mounts too, expanded in the image that is built from it', async () => {
  const onbuild = baseImage('b', { OnBuild: ['RUN --mount=type=cache,target=$WHERE x'], Env: ['WHERE=/there'] })
  expect(runs(await plan(lines('FROM b'), {}, { b: onbuild }))[0]?.mounts).toMatchObject([
    { type: 'cache', id: '//there', target: '/there' },
  ])
  const p = await plan(lines('FROM scratch', 'ONBUILD RUN --mount=type=secret,id=a x'))
  expect(kinds(p)).toEqual([])
  expect(config(p).onBuild).toEqual(['RUN --mount=type=secret,id=a x'])
})

it('a named context is a tree like an image, and its files are taken by a step of their own', async () => {
  const image = baseImage('mine')
  const named: PlanOptions['namedContext'] = (name) =>
    Promise.resolve(
      name === 'files'
        ? { kind: 'files', name }
        : name === 'img'
          ? { kind: 'image', load: () => Promise.resolve(image) }
          : undefined,
    )
  const text = 'RUN --mount=from=files,source=a,target=/f --mount=from=img,target=/i x'
  const p = await plan(lines('FROM b', text), { namedContext: named })
  const [copy] = [...p.steps.values()].filter((step) => step.kind === 'copy')
  expect(copy).toMatchObject({ from: { kind: 'context', name: 'files' }, sources: [{ path: '/a' }] })
  expect(runs(p)[0]?.mounts).toMatchObject([
    { source: '/a', tree: { kind: 'step', id: copy?.id } },
    { source: '/', tree: { kind: 'base', diffIds: image.layers.map(({ diffId }) => diffId) } },
  ])
})

it('a named context that nothing needs is not looked up', async () => {
  const load = (): Promise<never> => Promise.reject(new Error('looked up'))
  const namedContext: PlanOptions['namedContext'] = (name) =>
    Promise.resolve(['unused', 'gone'].includes(name) ? { kind: 'image', load } : undefined)
  const text = lines('FROM b AS unused', 'FROM gone AS other', 'FROM b AS base', 'RUN x', 'FROM base')
  expect(runs(await plan(text, { namedContext }))).toHaveLength(1)
  await expect(plan(lines('FROM gone'), { namedContext })).rejects.toThrow('looked up')
})

describe('the key of a step', () => {
  const idOf = async (mount: string, options?: Partial<PlanOptions>): Promise<string> => {
    const p: Plan = await plan(lines('FROM a AS s', 'FROM b', `RUN --mount=${mount} x`), options)
    return runs(p).at(-1)!.id
  }

  it.each([
    ['type=secret,id=a', 'type=secret,id=b'],
    ['type=secret,id=a,target=/x', 'type=secret,id=a,target=/y'],
    ['type=secret,id=a,env=A', 'type=secret,id=a,env=B'],
    ['type=secret,id=a', 'type=secret,id=a,mode=0444'],
    ['type=ssh', 'type=ssh,id=other'],
    ['type=cache,target=/c', 'type=cache,target=/c,id=other'],
    ['type=cache,target=/c', 'type=cache,target=/d'],
    ['type=tmpfs,target=/t', 'type=tmpfs,target=/t,size=1m'],
    ['target=/t,from=s', 'target=/t,from=s,rw'],
    ['target=/t,from=s', 'target=/t,from=s,source=/x'],
    ['target=/t,source=a', 'target=/t,source=b'],
    ['target=/t,from=s', 'target=/t,from=other'],
  ])('is another one with %s than with %s', async (one, other) => {
    expect(await idOf(one)).not.toBe(await idOf(other))
    expect(await idOf(one)).toBe(await idOf(one))
  })

  it('is another one in another namespace of caches', async () => {
    const options = { buildArgs: { BUILDKIT_CACHE_MOUNT_NS: 'n' } }
    expect(await idOf('type=cache,target=/c', options)).not.toBe(await idOf('type=cache,target=/c'))
  })
})
